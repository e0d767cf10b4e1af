/**
 * Starts `inkling serve`, and hosts what `inkling page` writes.
 */
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer as createHTTPServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const run = promisify(execFile);

/**
 * Builds the command, in a folder of its own.
 * @returns {Promise<{ folder: string, binary: string }>}
 */
async function build() {
  const folder = await mkdtemp(join(tmpdir(), "inkling-page-"));
  const binary = join(folder, "inkling");
  await run("go", ["build", "-o", binary, "./cmd/inkling"], { cwd: root, env: { ...process.env, CGO_ENABLED: "0" } });
  return { folder, binary };
}

/** What a host says of files; it knows less than most. */
const KINDS = /** @type {Readonly<Record<string, string>>} */ ({ ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" });

/**
 * Writes the page that needs no server, and shows it below a path as a host of files does.
 * @returns {Promise<{ url: string, folder: string, stop: () => Promise<void> }>}
 */
export async function hostSite() {
  const { folder, binary } = await build();
  const site = join(folder, "site");
  await run(binary, ["page", "--out", site]);
  const host = createHTTPServer(async (request, response) => {
    const [, name] = /^\/some\/where\/([\w.-]*)$/.exec(request.url ?? "") ?? [];
    const content = name === undefined ? null : await readFile(join(site, name || "index.html")).catch(() => null);
    response.writeHead(content ? 200 : 404, content ? { "Content-Type": KINDS[extname(name || "index.html")] ?? "application/octet-stream" } : {});
    response.end(content ?? "");
  });
  const port = await freePort();
  await new Promise((resolve) => host.listen(port, "127.0.0.1", () => resolve(null)));
  const stop = async () => {
    host.closeAllConnections();
    await new Promise((resolve) => host.close(resolve));
    await rm(folder, { recursive: true, force: true });
  };
  return { url: `http://127.0.0.1:${port}/some/where/`, folder: site, stop };
}

/**
 * Builds and starts a server of its own.
 * @param {{ feedback: boolean, prepare?: (binary: string, folder: string) => Promise<string> }} options whether
 *   it keeps labelled drawings, and what makes the file of its model
 * @returns {Promise<{ url: string, folder: string, binary: string, stop: () => Promise<void> }>}
 */
export async function startServer({ feedback, prepare }) {
  const { folder, binary } = await build();
  const model = prepare ? [await prepare(binary, folder)] : [];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const server = spawn(
    binary,
    ["serve", ...model, "--addr", `127.0.0.1:${port}`, ...(feedback ? ["--feedback", join(folder, "feedback.db")] : [])],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
  );
  let log = "";
  for (const stream of [server.stdout, server.stderr]) {
    stream.on("data", (text) => (log = (log + text).slice(-10_000)));
  }
  const ended = new Promise((resolve) => server.once("exit", resolve));
  const stop = async () => {
    server.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true });
  };
  for (let i = 0; i < 200; i++) {
    if (server.exitCode !== null) {
      throw new Error(`inkling serve ended with status ${server.exitCode}: ${log}`);
    }
    const ready = await fetch(`${url}readyz`).then((response) => response.ok, () => false);
    if (ready) {
      return { url, folder, binary, stop };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop();
  throw new Error(`inkling serve is not ready after 10 s: ${log}`);
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
