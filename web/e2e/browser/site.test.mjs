/**
 * The page without a server, as `inkling page` writes it, in a real browser.
 */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { HANDWRITTEN } from "./digits.mjs";
import { hostSite } from "./server.mjs";
import { Visit } from "./visit.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof hostSite>>} */
let host;
let hosted = true;

before(async () => {
  host = await hostSite();
  browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--disable-gpu", "--no-sandbox"],
  });
});

after(async () => {
  await browser?.close();
  if (hosted) {
    await host?.stop();
  }
});

/**
 * @param {import("playwright-core").BrowserContextOptions} options
 * @param {(visit: Visit) => Promise<void>} use
 */
async function visiting(options, use) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-US", ...options });
  try {
    const visit = new Visit(await context.newPage(), host.url);
    await visit.page.goto(host.url);
    await answered(visit, "3"); // the example that it begins with
    await use(visit);
    visit.isClean();
  } finally {
    await context.close();
  }
}

/**
 * Waits until the page says that it reads something, and has measured how fast.
 * @param {Visit} visit
 * @param {string} what
 */
async function answered({ page }, what) {
  await page.locator("#digit", { hasText: new RegExp(`^${what}$`) }).waitFor({ timeout: 60_000 });
}

/**
 * @param {Visit} visit
 * @param {number} digit
 */
async function draws(visit, digit) {
  await visit.page.locator("#clear").click();
  await visit.mouse(HANDWRITTEN[digit] ?? []);
  await answered(visit, String(digit));
}

test("reads digits, shows the network, and loads nothing from elsewhere", () =>
  visiting({}, async (visit) => {
    const { page } = visit;
    for (const digit of [2, 4, 8]) {
      await draws(visit, digit);
    }
    assert.equal(await page.locator("#stages [role=tab]").count(), 13);
    assert.ok(await page.locator("#steps figure, #steps li").count());
    await visit.isAccessible();
    assert.deepEqual(visit.sent, []);
    for (const absent of [".program", "#training", "#feedback", "#opened-as-file"]) {
      assert.equal(await page.locator(absent).isVisible(), false, absent);
    }
    assert.match((await page.locator("#model").textContent()) ?? "", /LeNet/);
  }));

test("reads pictures, and says what is wrong with others", () =>
  visiting({}, async (visit) => {
    const { page } = visit;
    const picture = await page.evaluate(() => {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 100;
      const context = canvas.getContext("2d");
      if (context) {
        context.fillStyle = "white";
        context.fillRect(0, 0, 100, 100);
        context.fillStyle = "black";
        context.fillRect(46, 15, 9, 70);
      }
      return canvas.toDataURL().split(",")[1] ?? "";
    });
    await page.locator("#file").setInputFiles({ name: "one.png", mimeType: "image/png", buffer: Buffer.from(picture, "base64") });
    await answered(visit, "1");
    await page.locator("#file").setInputFiles({ name: "bad.png", mimeType: "image/png", buffer: Buffer.from("this is none") });
    await page.locator("#problem", { hasText: "of no known format" }).waitFor();
  }));

test("speaks Chinese, on a phone, in the dark", () =>
  visiting({ locale: "zh-CN", viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true, colorScheme: "dark" }, async (visit) => {
    await visit.page.locator("#clear").click();
    await visit.touch(HANDWRITTEN[5] ?? []);
    await answered(visit, "5");
    assert.equal(await visit.page.locator("#draw-title [data-text]").textContent(), "书写");
    await visit.isAccessible();
  }));

test("is small, and says why it is not shown from a file", async () => {
  const files = await Promise.all((await readdir(host.folder)).map((name) => readFile(join(host.folder, name))));
  const packed = files.reduce((sum, content) => sum + Math.min(content.length, gzipSync(content).length), 0);
  assert.ok(packed < 6e6, `${packed} bytes`);
  const page = await browser.newPage();
  await page.goto(`file://${join(host.folder, "index.html")}`);
  await page.locator("#opened-as-file").waitFor();
  await page.close();
});

test("opens again without its host", () =>
  visiting({}, async (visit) => {
    const { page } = visit;
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.waitForFunction(() => navigator.serviceWorker.controller?.state === "activated");
    hosted = false;
    await host.stop();
    await page.goto(`${host.url}?again`);
    await answered(visit, "3");
    await draws(visit, 7);
  }));
