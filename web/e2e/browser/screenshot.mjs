/**
 * Draws docs/images/sketchpad.png, the page with a digit half drawn:
 * `npm run screenshot`.
 */
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { HANDWRITTEN } from "./digits.mjs";
import { startServer } from "./server.mjs";
import { Visit } from "./visit.mjs";

const picture = fileURLToPath(new URL("../../../docs/images/sketchpad.png", import.meta.url));

const { url, stop } = await startServer({ feedback: false });
const browser = await chromium.launch({
  executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
  args: ["--disable-gpu", "--no-sandbox"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1.5, locale: "en-US", colorScheme: "light" });
  const visit = new Visit(page, url);
  await page.goto(url);
  const at = await visit.onScreen();
  const [first, ...others] = (HANDWRITTEN[8] ?? []).flat().map(at);
  if (!first) {
    throw new Error("there is no path to draw");
  }
  await page.mouse.move(first.x, first.y);
  await page.mouse.down();
  for (const { x, y } of others.slice(0, Math.round(others.length * 0.77))) {
    await page.mouse.move(x, y);
  }
  await visit.settled();
  await page.screenshot({ path: picture });
} finally {
  await browser.close();
  await stop();
}
