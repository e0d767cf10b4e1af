/**
 * Measures how long the page takes from a stroke to the frame that shows its answer with all
 * maps, and how long the reading itself: of a server, and of the page that needs none.
 * `npm run latency`, on a machine that does nothing else.
 */
import { chromium } from "playwright-core";
import { hostSite, startServer } from "./server.mjs";

const LINES = 12;
const POINTS = 10;

/**
 * Draws lines as fast as a hand, and wipes them away now and then.
 * @param {import("playwright-core").Page} page
 * @param {string} url
 * @returns {Promise<{ page: number[], reading: number[] }>} milliseconds
 */
async function measure(page, url) {
  await page.goto(url);
  await page.waitForFunction(() => /\d/.test(document.getElementById("timing")?.textContent ?? ""));
  await page.evaluate(() => {
    const words = /** @type {string[]} */ ([]);
    Object.assign(globalThis, { words });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        // What is shown now is the number of the server, or the engine.
        words.push(`${duration} ${/[\d.]+/.exec(document.getElementById("timing")?.textContent ?? "")?.[0]}`);
      }
    }).observe({ entryTypes: ["measure"] });
  });
  const box = await page.locator("#pad").boundingBox();
  if (!box) {
    throw new Error("the page shows no pad");
  }
  for (let line = 0; line < LINES; line++) {
    if (line % 3 === 0) {
      await page.locator("#clear").click();
      await page.waitForTimeout(100);
    }
    const [x, y] = [box.x + 40 + 15 * line, box.y + 50];
    await page.mouse.move(x, y);
    await page.mouse.down();
    for (let i = 1; i <= POINTS; i++) {
      await page.mouse.move(x + 2 * i, y + 18 * i);
      await page.waitForTimeout(25);
    }
    await page.mouse.up();
    await page.waitForTimeout(120);
  }
  const words = /** @type {string[]} */ (await page.evaluate("words"));
  const pairs = words.map((pair) => pair.split(" ").map(Number));
  return { page: pairs.map(([shown]) => shown ?? NaN), reading: pairs.map(([, read]) => read ?? NaN) };
}

/** @param {number[]} times */
function told(times) {
  times.sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => (times[Math.floor(times.length * share)] ?? NaN).toFixed(1);
  return `median ${at(0.5)} ms, 90 % within ${at(0.9)} ms`;
}

const hosts = { "with a server": await startServer({ feedback: false }), "without one": await hostSite() };
const browser = await chromium.launch({
  executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
  args: ["--disable-gpu", "--no-sandbox"],
});
try {
  for (const [name, { url }] of Object.entries(hosts)) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: "en-US" });
    const times = await measure(page, url);
    console.log(`${name}, ${times.page.length} answers: the reading takes ${told(times.reading)}; from stroke to answer ${told(times.page)}`);
    await page.close();
  }
} finally {
  await browser.close();
  for (const { stop } of Object.values(hosts)) {
    await stop();
  }
}
