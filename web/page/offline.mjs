/**
 * The service worker of a page without a server: keeps all of its files in the browser, so that
 * it opens without a network. As long as its host answers, everything comes from there: it may
 * have another site by now. The site's version and files stand above this where it was written.
 */
const worker = /** @type {any} */ (globalThis);
const { version, files } = /** @type {{ version: string, files: string[] }} */ (worker.site);
/** What a browser keeps is common to all sites of a host, so its name has the site's address. */
const ours = `inkling ${worker.registration.scope} `;

async function keep() {
  const kept = await caches.open(ours + version);
  await kept.addAll(files.map((file) => new Request(file, { cache: "no-cache" })));
  await worker.skipWaiting();
}

async function begin() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(ours) && name !== ours + version).map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** @param {Request} request */
async function answer(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.open(ours + version);
    const found = await kept.match(request, { ignoreSearch: true });
    if (!found) {
      throw error;
    }
    return found;
  }
}

worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(keep()));
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(begin()));
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  if (event.request.method === "GET") {
    event.respondWith(answer(event.request));
  }
});
