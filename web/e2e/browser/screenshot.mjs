/**
 * Draws docs/images/sketchpad.png, the page as it begins, and number.png, a number on it:
 * `npm run screenshot`.
 */
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { HANDWRITTEN } from "./digits.mjs";
import { startServer } from "./server.mjs";
import { Visit } from "./visit.mjs";

const picture = (/** @type {string} */ name) => fileURLToPath(new URL(`../../../docs/images/${name}`, import.meta.url));

const { url, stop } = await startServer({ feedback: false });
const browser = await chromium.launch({
  executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
  args: ["--disable-gpu", "--no-sandbox"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1.25, locale: "en-US", colorScheme: "light" });
  const visit = new Visit(page, url);
  await page.goto(url);
  await visit.settled();
  await page.locator("#stage-4").click({ position: { x: 60, y: 60 } });
  await page.mouse.move(0, 0);
  await visit.settled();
  await page.screenshot({ path: picture("sketchpad.png") });

  await page.locator("#clear").click();
  for (const [digit, left] of /** @type {const} */ ([[3, 0], [7, 0.5]])) {
    const strokes = (HANDWRITTEN[digit] ?? []).map((stroke) => stroke.map(([x, y]) => /** @type {[number, number]} */ ([left + x / 2, 0.2 + 0.6 * y])));
    await visit.mouse(strokes);
  }
  await page.mouse.move(0, 0);
  await visit.settled();
  await page.locator(".reading-desk").screenshot({ path: picture("number.png") });
} finally {
  await browser.close();
  await stop();
}
