/**
 * The page for pictures of any kind, in a real browser before a server of its own.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { png } from "./png.mjs";
import { startServer } from "./server.mjs";
import { Visit } from "./visit.mjs";

const run = promisify(execFile);

/** @type {import("playwright-core").Browser} */
let browser;
let url = "";
let folder = "";
let stop = async () => {};

const CLASSES = /** @type {const} */ ({ red: [220, 30, 30], green: [30, 200, 40], blue: [20, 40, 220], yellow: [230, 220, 20], black: [10, 10, 10], white: [245, 245, 245] });

before(async () => {
  ({ url, folder, stop } = await startServer({
    feedback: false,
    prepare: async (binary, home) => {
      for (const [name, colour] of Object.entries(CLASSES)) {
        await mkdir(join(home, "colours", name), { recursive: true });
        for (let i = 0; i < 8; i++) {
          await writeFile(join(home, "colours", name, `${i}.png`), png(28, 28, colour.map((v) => Math.max(0, v - i))));
        }
      }
      const model = join(home, "colours.pth");
      await run(binary, ["train", "--data", join(home, "colours"), "--model", "lenet", "--epochs", "60", "--optimizer", "adamw", "--lr", "0.001", "--test=false", "--out", model], { cwd: home });
      return model;
    },
  }));
  await writeFile(join(folder, "wide.png"), png(300, 120, CLASSES.red));
  await writeFile(join(folder, "letter.txt"), "no picture");
  browser = await chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: ["--disable-gpu", "--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  await stop();
});

/**
 * @param {import("playwright-core").BrowserContextOptions} options
 * @param {(visit: Visit) => Promise<void>} use
 */
async function visiting(options, use) {
  const context = await browser.newContext(options);
  try {
    const visit = new Visit(await context.newPage(), url);
    await visit.page.goto(url);
    await visit.page.waitForFunction(() => (document.getElementById("model")?.textContent ?? "") !== "");
    await use(visit);
    visit.isClean();
  } finally {
    await context.close();
  }
}

const desktop = { viewport: { width: 1280, height: 900 }, locale: "en-US" };

/**
 * Waits for an answer that begins so.
 * @param {Visit} visit
 * @param {RegExp} words
 */
async function answered(visit, words) {
  await visit.page.locator('#words[data-state="answered"]').waitFor();
  assert.match((await visit.page.locator("#words").textContent()) ?? "", words);
  const labels = await visit.page.locator("#bars .label").allTextContents();
  assert.equal(labels.length, 5);
  return labels;
}

test("a picture that is chosen by the keyboard shows its five likeliest classes", () =>
  visiting(desktop, async (visit) => {
    await visit.isAccessible();
    const { page } = visit;
    for (let i = 0; i < 2; i++) {
      await page.keyboard.press("Tab");
    }
    assert.equal(await page.evaluate(() => document.activeElement?.id), "upload");
    const chooser = await visit.chooser(() => page.keyboard.press("Enter"));
    await chooser.setFiles(join(folder, "wide.png"));
    const [first] = await answered(visit, /red/);
    assert.equal(first, "red");
    assert.match((await page.locator("#announcement").textContent()) ?? "", /red/);
    assert.deepEqual(await page.locator("#processed").evaluate((canvas) => canvas instanceof HTMLCanvasElement && [canvas.width, canvas.height]), [28, 28]);
    await visit.isAccessible();
    const picture = process.env["SCREENSHOT"];
    if (picture) {
      await page.screenshot({ path: picture, fullPage: true });
    }
  }));

test("pictures are dropped and pasted, in Chinese and in the dark, too", () =>
  visiting({ ...desktop, locale: "zh-CN", colorScheme: "dark" }, async (visit) => {
    const { page } = visit;
    for (const kind of ["drop", "paste"]) {
      const colour = kind === "drop" ? "blue" : "yellow";
      const bytes = [...png(40, 40, CLASSES[colour])];
      await page.evaluate(
        ([kind, bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(/** @type {number[]} */ (bytes))], "given.png", { type: "image/png" }));
          document.dispatchEvent(kind === "drop" ? new DragEvent("drop", { dataTransfer: data, cancelable: true }) : new ClipboardEvent("paste", { clipboardData: data, cancelable: true }));
        },
        /** @type {[string, number[]]} */ ([kind, bytes]),
      );
      const [first] = await answered(visit, /[\u4e00-\u9fff]/);
      assert.equal(first, colour);
    }
    assert.match((await page.locator("#seen-note").textContent()) ?? "", /28 × 28 像素/);
    await visit.isAccessible();
    const picture = process.env["SCREENSHOT_ZH"];
    if (picture) {
      await page.screenshot({ path: picture, fullPage: true });
    }
  }));

test("what is no picture is refused in words, and a telephone's page holds together", () =>
  visiting({ viewport: { width: 320, height: 568 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true, locale: "en-US" }, async (visit) => {
    const { page } = visit;
    await page.setInputFiles("#file", join(folder, "letter.txt"));
    await page.locator("#problem").waitFor();
    assert.match((await page.locator("#problem").textContent()) ?? "", /“letter.txt” is not a picture/);
    await page.setInputFiles("#file", join(folder, "wide.png"));
    await answered(visit, /red/);
    assert.equal(await page.locator("#problem").isHidden(), true);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
    await visit.isAccessible();
  }));
