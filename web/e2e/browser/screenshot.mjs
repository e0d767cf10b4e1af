/**
 * Draws docs/images/sketchpad.png, the page as it begins:
 * `npm run screenshot`.
 */
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
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
  await visit.settled();
  await page.locator("#stage-4").click({ position: { x: 60, y: 60 } });
  await page.mouse.move(0, 0);
  await visit.settled();
  await page.screenshot({ path: picture });
} finally {
  await browser.close();
  await stop();
}
