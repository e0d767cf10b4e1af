/**
 * The page in a real browser before a real server. INKLING_URL names a server
 * that runs already and keeps feedback; otherwise one is built and started.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { HANDWRITTEN, ON_THE_GRID } from "./digits.mjs";
import { startServer } from "./server.mjs";
import { Visit } from "./visit.mjs";

/** @typedef {import("playwright-core").BrowserContextOptions} BrowserContextOptions */

const run = promisify(execFile);

/** @type {import("playwright-core").Browser} */
let browser;
let url = process.env["INKLING_URL"] ? new URL("/", process.env["INKLING_URL"]).href : "";
let stop = async () => {};
/** @type {number[]} milliseconds from stroke to answer, of all visits that drew */
const times = [];

before(async () => {
  if (!url) {
    ({ url, stop } = await startServer({ feedback: true }));
  }
  browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--disable-gpu", "--no-sandbox"],
  });
});

after(async () => {
  await browser?.close();
  await stop();
});

const desktop = { viewport: { width: 1280, height: 900 }, locale: "en-US" };
const phone = { viewport: { width: 320, height: 568 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true, locale: "en-US" };

/**
 * Opens the page, lets the test use it, and sees to it that neither the console
 * nor another host was troubled.
 * @param {BrowserContextOptions} options
 * @param {(visit: Visit) => Promise<void>} use
 */
async function visiting(options, use) {
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    await page.addInitScript(() => {
      const measured = /** @type {any} */ (globalThis);
      measured.times = [];
      new PerformanceObserver((list) => measured.times.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "measure" });
    });
    const visit = new Visit(page, url);
    const response = await page.goto(url);
    assert.match(response?.headers()["content-security-policy"] ?? "", /default-src 'self'/);
    await page.locator(".over-example").waitFor(); // the first view is an example
    await use(visit);
    times.push(...(await page.evaluate(() => /** @type {any} */ (globalThis).times)));
    visit.isClean();
  } finally {
    await context.close();
  }
}

/**
 * Draws the ten digits, each on an empty pad.
 * @param {Visit} visit
 * @param {(digit: number) => Promise<void>} draw
 */
async function drawAll(visit, draw) {
  const read = [];
  for (let digit = 0; digit < 10; digit++) {
    await draw(digit);
    read.push(await visit.reading());
    await visit.page.locator("#clear").click();
    assert.equal(await visit.state(), "empty");
  }
  assert.deepEqual(read, [..."0123456789"]);
}

const strokesOf = (/** @type {readonly (readonly import("./digits.mjs").Place[])[][]} */ digits, /** @type {number} */ digit) => digits[digit] ?? [];

test("reads ten digits drawn with the mouse", () =>
  visiting(desktop, async (visit) => {
    await drawAll(visit, (digit) => visit.mouse(strokesOf(HANDWRITTEN, digit)));
  }));

test("reads ten digits drawn with a finger on a phone, and the page does not scroll", () =>
  visiting(phone, async (visit) => {
    await drawAll(visit, async (digit) => {
      const before = await visit.page.evaluate(() => scrollY);
      await visit.touch(strokesOf(HANDWRITTEN, digit));
      assert.equal(await visit.page.evaluate(() => scrollY), before);
    });
  }));

test("reads ten digits drawn with a pen, shows its pressure and sends it", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    await drawAll(visit, (digit) => visit.pen(strokesOf(HANDWRITTEN, digit)));
    const pressures = visit.sent.at(-1).strokes[0].map((/** @type {number[]} */ point) => point[3]);
    assert.ok(pressures[0] < 0.3 && pressures.at(-1) > 0.6, `pressures ${pressures}`);
    await visit.pen([[[0.1, 0.5], [0.9, 0.5]]]);
    const thickness = await page.locator("#pad").evaluate((canvas) => {
      const { width, height } = /** @type {HTMLCanvasElement} */ (canvas);
      const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
      copy?.drawImage(/** @type {HTMLCanvasElement} */ (canvas), 0, 0);
      const inked = (/** @type {number} */ x) => copy?.getImageData(x, 0, 1, height).data.filter((value, i) => i % 4 === 0 && value < 128).length;
      return [inked(Math.round(0.15 * width)), inked(Math.round(0.85 * width))];
    });
    assert.ok((thickness[1] ?? 0) > 1.3 * (thickness[0] ?? NaN), `the line is ${thickness} pixels thick at its ends`);
  }));

test("reads ten digits drawn with the keyboard alone", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "pad");
    /** @type {import("./digits.mjs").Place} */
    let cross = [10, 10];
    const read = [];
    for (let digit = 0; digit < 10; digit++) {
      cross = await visit.keyboard(strokesOf(ON_THE_GRID, digit), cross);
      read.push(await visit.reading());
      await page.keyboard.press("Delete");
      assert.equal(await visit.state(), "empty");
    }
    assert.deepEqual(read, [..."0123456789"]);
  }));

test("reads while the digit is being drawn", () =>
  visiting(desktop, async (visit) => {
    const at = await visit.onScreen();
    const { mouse } = visit.page;
    const [first, ...others] = strokesOf(HANDWRITTEN, 7).flat().map(at);
    assert.ok(first);
    await mouse.move(first.x, first.y);
    await mouse.down();
    for (const place of others) {
      await mouse.move(place.x, place.y, { steps: 5 });
    }
    assert.equal(await visit.reading(), "7");
    const { sent } = visit;
    assert.ok(sent.length > 1, `${sent.length} requests before the button was lifted`);
    await mouse.up();
    const { strokes, width, height, brush, details } = sent.at(-1);
    assert.deepEqual({ width, height, brush, details }, { width: 280, height: 280, brush: 18, details: true });
    const milliseconds = strokes[0].map((/** @type {number[]} */ point) => point[2]);
    assert.equal(milliseconds[0], 0);
    assert.ok(milliseconds.at(-1) > 0);
    assert.deepEqual(milliseconds, milliseconds.toSorted((/** @type {number} */ a, /** @type {number} */ b) => a - b));
  }));

test("shows the whole way from the drawing to the answer", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    await visit.mouse(strokesOf(HANDWRITTEN, 3));
    assert.equal(await visit.reading(), "3");
    const order = await page.locator("#pad, #processed, #digit").evaluateAll((elements) => elements.map(({ id }) => id));
    assert.deepEqual(order, ["pad", "processed", "digit"]);
    const size = await page.locator("#processed").evaluate((canvas) => [canvas.getAttribute("width"), canvas.getAttribute("height"), getComputedStyle(canvas).imageRendering]);
    assert.deepEqual(size, ["28", "28", "pixelated"]);
    const bright = await page.locator("#processed").evaluate((canvas) => {
      const pixels = /** @type {HTMLCanvasElement} */ (canvas).getContext("2d")?.getImageData(0, 0, 28, 28).data ?? [];
      return pixels.filter((value, i) => i % 4 === 0 && value > 127).length;
    });
    assert.ok(bright > 30 && bright < 400, `${bright} bright pixels`);
    assert.equal(await page.locator("#bars li").count(), 10);
    const shares = await page.locator("#bars .share").allTextContents();
    const sum = shares.reduce((total, share) => total + parseFloat(share.replace(">", "")), 0);
    assert.ok(Math.abs(sum - 100) < 1, `the bars add up to ${sum} %`);
    assert.equal(await page.locator("#bars .likeliest .label").textContent(), "3");
    assert.deepEqual(await page.locator("#steps .caption").allTextContents(), ["Drawing", "Invert", "Crop", "Centre", "Blur", "Scale", "Normalise: −1\u00a0to\u00a01"]);
    assert.match((await page.locator("#tutorial-answer").textContent()) ?? "", /^reads 3 too \(/);
    const theirs = await page.locator("#tutorial-processed").evaluate((canvas) => /** @type {HTMLCanvasElement} */ (canvas).toDataURL());
    assert.notEqual(theirs, await page.locator("#processed").evaluate((canvas) => /** @type {HTMLCanvasElement} */ (canvas).toDataURL()));
    assert.match((await page.locator("#timing").textContent()) ?? "", /\d/);
    await page.waitForFunction(() => document.getElementById("announcement")?.textContent?.includes("3"));
    await visit.isAccessible();
  }));

test("begins with an example that is read; pad, answer, steps and stages are in view", () =>
  visiting({ ...desktop, viewport: { width: 1280, height: 800 } }, async (visit) => {
    const { page } = visit;
    assert.equal(await visit.reading(), "3");
    assert.equal(await page.locator("#feedback").isVisible(), false, "nobody is asked of an example");
    const below = () =>
      page.locator("#pad, #verdict, #steps li, #saliency, .tools, .stage, #words").evaluateAll((elements) =>
        elements.filter((element) => element.getBoundingClientRect().bottom > innerHeight).map((element) => element.id || element.className),
      );
    assert.deepEqual(await below(), []);
    await page.locator("#examples button").nth(1).click();
    assert.equal(await visit.reading(), "25");
    await page.locator("#examples button").nth(2).click();
    assert.equal(await visit.reading(), "4");
    await page.locator("#examples button").nth(3).click();
    assert.notEqual(await visit.state(), "sure");
    assert.match((await page.locator("#words").textContent()) ?? "", /none of these/);
    for (const [width, height] of /** @type {const} */ ([[375, 667], [667, 375]])) {
      await page.setViewportSize({ width, height });
      const parts = await page.locator("#pad, #glance, .tools").evaluateAll((elements) => elements.map((element) => element.getBoundingClientRect()));
      assert.equal(parts.length, 3);
      assert.ok(parts.every((box) => box.height > 20 && box.top >= 0 && box.bottom <= height), `${width}x${height}: ${JSON.stringify(parts)}`);
    }
  }));

test("tells of each number in the network where it comes from", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    assert.equal(await visit.reading(), "3");
    const shapes = ["1×28×28", "6×24×24", "6×24×24", "6×12×12", "16×8×8", "16×8×8", "16×4×4", "256", "120", "120", "84", "84", "10"];
    assert.deepEqual(await page.locator(".stage .shape").allTextContents(), shapes);
    const sum = async () => (await page.locator("#stage-sum").textContent()) ?? "";
    const numbers = (/** @type {string} */ words) => (words.replaceAll("−", "-").match(/-?\d+\.\d+/g) ?? []).map(Number);
    await page.locator("#stage-4").click();
    await page.locator("#stage-map-number").fill("6");
    const [products = NaN, bias = NaN, value = NaN] = numbers(await sum());
    assert.match(await sum(), /The sum of 150 products/);
    assert.ok(Math.abs(products + bias - value) < 0.003, await sum());
    await page.waitForFunction(() => document.getElementById("announcement")?.textContent?.startsWith("conv2, map 6"));
    // By keyboard along the stages: ReLU, then pooling.
    await page.locator("#stage-4").press("ArrowRight");
    assert.match(await sum(), /comes in/);
    await page.keyboard.press("ArrowRight");
    assert.match(await sum(), /The largest of 4/);
    await page.locator("#stage-7").press("Enter");
    assert.match(await sum(), /Number \d+ is row/);
    // The last stage has its largest number where the answer is.
    await page.locator("#stage-12").click();
    const last = [];
    for (let digit = 1; digit <= 10; digit++) {
      await page.locator("#stage-map-number").fill(String(digit));
      last.push(numbers(await sum()).at(-1) ?? NaN);
    }
    assert.equal(last.indexOf(Math.max(...last)), 3);
    await page.mouse.move(0, 0);
    const before = await page.locator("#stage-readout").textContent();
    await page.locator("#stage-1 .pixels").hover({ position: { x: 10, y: 10 } });
    assert.match((await page.locator("#stage-readout").textContent()) ?? "", /^conv1, map 1, row/);
    await page.mouse.move(0, 0);
    assert.equal(await page.locator("#stage-readout").textContent(), before);
    await visit.isAccessible();
  }));

test("trains a network that then reads the drawing", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    await visit.settled();
    const served = await page.locator("#stage-readout").textContent();
    await page.locator("#training-rate").fill("0.002");
    await page.locator("#training-start").click();
    await page.locator("#training-words", { hasText: /test pictures correctly\.$/ }).filter({ hasNotText: "1,000" }).waitFor({ timeout: 60_000 });
    const accuracy = Number((await page.locator("#training-words").textContent())?.match(/([\d.]+)\u00a0%/)?.[1]);
    assert.ok(accuracy > 90, `${accuracy} %`);
    assert.equal(await page.locator("#training-misread li").count(), 16);
    assert.equal(await page.locator("#which-trained").getAttribute("aria-pressed"), "true");
    assert.equal(await visit.reading(), "3");
    assert.notEqual(await page.locator("#stage-readout").textContent(), served, "it is another network");
    await visit.isAccessible();
    await page.locator("#which-served").click();
    await page.locator("#which-served[aria-pressed=true]").waitFor();
    await visit.settled();
    assert.equal(await page.locator("#stage-readout").textContent(), served);
  }));

test("undo, redo and clear, by buttons and by keys", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    assert.equal(await page.locator("#undo").getAttribute("aria-disabled"), "true");
    await visit.mouse(strokesOf(HANDWRITTEN, 4).slice(0, 1));
    const half = await visit.ink();
    await visit.mouse(strokesOf(HANDWRITTEN, 4).slice(1));
    assert.equal(await visit.reading(), "4");
    const whole = await visit.ink();
    assert.ok(whole > half && half > 0);
    await page.locator("#undo").click();
    assert.equal(await visit.ink(), half);
    await visit.settled();
    assert.equal(visit.sent.at(-1).strokes.length, 1);
    await page.locator("#redo").click();
    assert.equal(await visit.ink(), whole);
    assert.equal(await visit.reading(), "4");
    await page.locator("#clear").click();
    assert.equal(await visit.ink(), 0);
    assert.equal(await visit.state(), "empty");
    assert.equal(await page.locator("#words").textContent(), "The pad is empty.");
    assert.equal(await page.locator("#steps li").count(), 0);
    await page.keyboard.press("Control+z");
    assert.equal(await visit.reading(), "4");
    await page.keyboard.press("Control+z");
    await page.keyboard.press("Control+z");
    assert.equal(await visit.reading(), "3", "the example is back");
    await page.keyboard.press("Control+y");
    await page.keyboard.press("Control+Shift+Z");
    assert.equal(await visit.reading(), "4");
    assert.equal(await visit.ink(), whole);
  }));

test("the eraser takes part of a stroke, and undo brings it back", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    await visit.mouse([[[0.1, 0.5], [0.9, 0.5]]]);
    const whole = await visit.ink();
    await page.locator("#eraser").click();
    assert.equal(await page.locator("#eraser").getAttribute("aria-pressed"), "true");
    await visit.mouse([[[0.5, 0.3], [0.5, 0.7]]]);
    await page.mouse.move(0, 0); // takes the eraser's ring off the pad
    await visit.settled();
    assert.equal(visit.sent.at(-1).strokes.length, 2);
    assert.ok((await visit.ink()) < whole);
    await page.locator("#eraser").click();
    await page.locator("#undo").click();
    assert.equal(await visit.ink(), whole);
  }));

test("the line's width is chosen with the slider or by keys", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    await visit.mouse([[[0.1, 0.5], [0.9, 0.5]]]);
    const thin = await visit.ink();
    await page.locator("#brush").fill("40");
    assert.ok((await visit.ink()) > 1.8 * thin);
    await page.locator("#pad").focus();
    await page.keyboard.press("[");
    await visit.settled();
    assert.equal(await page.locator("#brush").inputValue(), "38");
    assert.equal(visit.sent.at(-1).brush, 38);
  }));

test("reads pictures that are chosen, pasted and dropped", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    await visit.mouse(strokesOf(HANDWRITTEN, 2));
    await page.mouse.move(0, 0);
    const picture = await page.locator("#pad").screenshot();
    await page.locator("#clear").click();
    assert.equal(await visit.state(), "empty");

    const chooser = await visit.chooser(() => page.locator("#upload").click());
    await chooser.setFiles({ name: "two.png", mimeType: "image/png", buffer: picture });
    await page.locator("#invitation").waitFor({ state: "hidden" });
    assert.equal(await visit.reading(), "2");
    assert.match(visit.sent.at(-1).image, /^data:image\/png;base64,/);
    assert.ok((await visit.ink()) > 0.02, "the picture is on the pad");

    for (const [kind, type, property] of /** @type {const} */ ([
      ["ClipboardEvent", "paste", "clipboardData"],
      ["DragEvent", "drop", "dataTransfer"],
    ])) {
      await page.locator("#clear").click();
      assert.equal(await visit.state(), "empty");
      await page.evaluate(
        ([kind, type, property, base64]) => {
          const transfer = new DataTransfer();
          const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
          transfer.items.add(new File([bytes], "two.png", { type: "image/png" }));
          const Event = /** @type {any} */ (globalThis)[kind];
          document.body.dispatchEvent(new Event(type, { [property]: transfer, bubbles: true, cancelable: true }));
        },
        /** @type {const} */ ([kind, type, property, picture.toString("base64")]),
      );
      await page.locator("#invitation").waitFor({ state: "hidden" });
      assert.equal(await visit.reading(), "2", type);
    }

    // A stroke begins a new drawing; undo brings the picture back.
    await visit.mouse(strokesOf(HANDWRITTEN, 1));
    assert.equal(await visit.reading(), "1");
    await page.locator("#undo").click();
    assert.equal(await visit.reading(), "2");
  }));

test("makes large pictures smaller, and sends some formats as the browser shows them", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    const animated = fileURLToPath(new URL("../../../picture/testdata/animated.webp", import.meta.url));
    await page.locator("#file").setInputFiles(animated);
    await page.locator("#invitation").waitFor({ state: "hidden" });
    assert.equal(await visit.reading(), "7");
    assert.match(visit.sent.at(-1).image, /^data:image\/png;/);
    await page.locator("#clear").click();
    assert.equal(await visit.state(), "empty");

    // A photograph: a one on paper with the grain of a camera.
    const size = await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(2400, 1800);
      const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
      const grain = context.createImageData(canvas.width, canvas.height);
      grain.data.forEach((_, i) => (grain.data[i] = i % 4 === 3 ? 255 : 215 + ((i * 2654435761) % 2 ** 32) / 2 ** 27));
      context.putImageData(grain, 0, 0);
      context.fillRect(1150, 300, 90, 1200);
      const file = new File([await canvas.convertToBlob({ type: "image/jpeg", quality: 1 })], "one.jpg", { type: "image/jpeg" });
      const transfer = new DataTransfer();
      transfer.items.add(file);
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
      return file.size;
    });
    await page.locator("#invitation").waitFor({ state: "hidden" });
    assert.equal(await visit.reading(), "1");
    const { length } = visit.sent.at(-1).image;
    assert.ok(size > 1 << 20 && length < size / 2, `${length} characters of ${size} bytes`);
  }));

test("says what is wrong with a picture", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    const chooser = page.locator("#file");
    await visit.mouse(strokesOf(HANDWRITTEN, 7));
    assert.equal(await visit.reading(), "7");
    await chooser.setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") });
    await page.locator("#problem").waitFor();
    assert.match((await page.locator("#problem").textContent()) ?? "", /“notes.txt” is not a picture/);
    assert.equal(await visit.reading(), "7", "the drawing is still there");
    await chooser.setInputFiles({ name: "broken.png", mimeType: "image/png", buffer: Buffer.from("\x89PNG\r\n\x1a\nbroken", "latin1") });
    await page.locator("#problem", { hasText: "damaged" }).waitFor();
    await visit.settled();
    const words = (await page.locator("#problem").textContent()) ?? "";
    assert.match(words, /^[A-Z].{20,}\.$/);
    assert.doesNotMatch(words, /notes.txt/);
    // The seven is no answer to what is on the pad now.
    assert.equal(await visit.state(), "empty");
    assert.equal(await page.locator("#words").textContent(), "It could not be read.");
    assert.equal(await page.locator("#feedback").isVisible(), false);
    await page.locator("#clear").click();
    assert.equal(await page.locator("#problem").isVisible(), false);
    assert.match(visit.complaints.splice(0).join(), /status of 4\d\d/); // Chromium's own note of the refusal
  }));

test("speaks Chinese to those who read it, and switches", () =>
  visiting({ ...desktop, locale: "zh-CN" }, async (visit) => {
    const { page } = visit;
    assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-Hans");
    assert.equal(await page.locator("#clear").textContent(), "清除");
    await visit.mouse(strokesOf(HANDWRITTEN, 7));
    assert.equal(await visit.reading(), "7");
    assert.match((await page.locator("#words").textContent()) ?? "", /确定/);
    await visit.isAccessible();
    await page.locator("#language").click();
    assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
    assert.equal(await page.locator("#clear").textContent(), "Clear");
    assert.doesNotMatch((await page.locator("body").innerText()).replace("中文", ""), /[\u4e00-\u9fff]/);
    await page.reload();
    assert.equal(await page.locator("#clear").textContent(), "Clear", "the choice is remembered");
  }));

test("works on a phone 320 pixels wide", () =>
  visiting(phone, async (visit) => {
    const { page } = visit;
    await visit.touch(strokesOf(HANDWRITTEN, 5));
    assert.equal(await visit.reading(), "5");
    assert.match((await page.locator("#glance").innerText()) ?? "", /^5/);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
    await page.locator("summary").click();
    await page.locator("#wrong").click();
    const small = await page.locator("button, summary, input:not([hidden]), #pad").evaluateAll((elements) =>
      elements
        .map((element) => ({ name: element.id || element.textContent, box: element.getBoundingClientRect() }))
        .filter(({ box }) => box.width > 0 && (box.width < 44 || box.height < 44))
        .map(({ name }) => name),
    );
    assert.deepEqual(small, []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
    await visit.isAccessible();
  }));

test("is dark in the dark", () =>
  visiting({ ...desktop, colorScheme: "dark" }, async (visit) => {
    await visit.mouse(strokesOf(HANDWRITTEN, 8));
    assert.equal(await visit.reading(), "8");
    const [r = 255] = await visit.page.locator("body").evaluate((body) => (getComputedStyle(body).backgroundColor.match(/\d+/g) ?? []).map(Number));
    assert.ok(r < 64);
    await visit.isAccessible();
  }));

test("works in forced colours", () =>
  visiting({ ...desktop, forcedColors: "active" }, async (visit) => {
    await visit.page.locator("#clear").click();
    assert.equal(await visit.ink(), 0);
    await visit.mouse(strokesOf(HANDWRITTEN, 0));
    assert.equal(await visit.reading(), "0");
    assert.ok((await visit.ink()) > 0.02);
    await visit.isAccessible();
  }));

test("works after it was hidden and shown again", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    await page.evaluate(() => (document.querySelector("main")?.toggleAttribute("hidden"), undefined));
    await visit.frames(3);
    await page.evaluate(() => (document.querySelector("main")?.toggleAttribute("hidden"), undefined));
    await page.setViewportSize({ width: 700, height: 900 });
    await visit.mouse(strokesOf(HANDWRITTEN, 7));
    assert.equal(await visit.reading(), "7");
    assert.ok((await visit.ink()) > 0.02);
  }));

test("says so when it is not sure", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    const probabilities = [0, 0.48, 0, 0, 0, 0, 0, 0.52, 0, 0];
    await page.route("**/api/predict", (route) =>
      route.fulfill({ json: { label: "7", index: 7, probabilities, sure: false, empty: false } }),
    );
    await visit.mouse(strokesOf(HANDWRITTEN, 7));
    assert.equal(await visit.state(), "unsure");
    assert.equal(await page.locator("#words").textContent(), "Not sure. Perhaps 7 (52.0\u00a0%), perhaps 1 (48.0\u00a0%).");
    await visit.isAccessible();
  }));

test("asks a busy server again, and an unreachable one with the next stroke", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    const problem = page.locator("#problem");
    const predict = "**/api/predict";
    await page.route(predict, (route) =>
      route.fulfill({ status: 503, headers: { "Retry-After": "1" }, json: { title: "Service Unavailable", detail: "too much to do" } }),
    );
    await visit.mouse([[[0.5, 0.2], [0.5, 0.8]]]);
    await problem.waitFor();
    assert.equal(await problem.textContent(), "Too much to do. Trying again in 1 s.");
    await page.unroute(predict);
    await problem.waitFor({ state: "hidden" });
    assert.equal(await visit.reading(), "1");

    await page.route(predict, (route) => route.abort());
    await visit.mouse([[[0.3, 0.8], [0.31, 0.8]]]);
    await problem.waitFor();
    assert.match((await problem.textContent()) ?? "", /server does not answer/);
    await visit.isAccessible();
    await page.unroute(predict);
    await page.locator("#undo").click();
    await problem.waitFor({ state: "hidden" });
    assert.equal(await visit.reading(), "1");
    visit.complaints.length = 0; // Chromium's own notes of the failures
  }));

test("keeps a drawing with its right label", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    /** @type {[status: number, label: number][]} */
    const answers = [];
    page.on("response", (response) => response.url().endsWith("/api/feedback") && answers.push([response.status(), response.request().postDataJSON().label]));
    await visit.mouse(strokesOf(HANDWRITTEN, 6));
    assert.equal(await visit.reading(), "6");
    await page.locator("#wrong").click();
    await page.locator("#label-buttons button", { hasText: "8" }).click();
    await page.locator("#feedback-note", { hasText: "labelled “8”" }).waitFor();
    await visit.isAccessible();
    await page.locator("#clear").click();
    assert.equal(await page.locator("#feedback").isVisible(), false);
    await page.locator("#undo").click();
    assert.equal(await visit.reading(), "6");
    await page.locator("#right").click();
    await page.locator("#feedback-note", { hasText: "labelled “6”" }).waitFor();
    // A letter is none of them, and a number is told by its digits.
    await page.locator("#clear").click();
    await visit.mouse([[[0.24, 0.81], [0.49, 0.17], [0.76, 0.83]], [[0.33, 0.6], [0.67, 0.59]]]);
    await page.locator("#wrong").click();
    await page.locator("#something-else").click();
    await page.locator("#feedback-note", { hasText: "none of these" }).waitFor();
    await page.locator("#clear").click();
    const half = (/** @type {number} */ digit, /** @type {number} */ left) =>
      strokesOf(HANDWRITTEN, digit).map((stroke) => stroke.map(([x, y]) => /** @type {import("./digits.mjs").Place} */ ([left + 0.5 * x, y])));
    await visit.mouse([...half(3, 0), ...half(7, 0.45)]);
    assert.equal(await visit.reading(), "37");
    await page.locator("#wrong").click();
    await page.locator("#number-digits").fill("31");
    await page.locator("#number-digits").press("Enter");
    await page.locator("#feedback-note", { hasText: "labelled “31”" }).waitFor();
    await visit.isAccessible();
    assert.deepEqual(answers, [[204, 8], [204, 6], [204, "none"], [204, "31"]]);
  }));

test("asks for no labels where none are kept", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    await page.route("**/api/model", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), feedback: false } });
    });
    await page.reload();
    await visit.mouse(strokesOf(HANDWRITTEN, 6));
    assert.equal(await visit.reading(), "6");
    assert.equal(await page.locator("#feedback").isVisible(), false);
  }));

test("its snippets work, and can be copied", (t) =>
  visiting({ ...desktop, permissions: ["clipboard-read", "clipboard-write"] }, async (visit) => {
    const { page } = visit;
    const folder = await mkdtemp(join(tmpdir(), "inkling-snippets-"));
    const programs = {
      curl: ["snippet.sh", "sh"],
      JavaScript: ["snippet.mjs", process.execPath],
      Python: ["snippet.py", "python3"],
      Go: ["snippet.go", "go", "run"],
    };
    try {
      for (const [name, [file = "", command = "", ...options]] of Object.entries(programs)) {
        await page.getByRole("tab", { name, exact: true }).click();
        await page.locator("#copy").click();
        const code = await page.evaluate(() => navigator.clipboard.readText());
        assert.equal(code, await page.locator("#snippet").textContent());
        if (!(await exists(name === "curl" ? "curl" : command))) {
          t.diagnostic(`SKIPPED: the ${name} snippet was not run, there is no ${command} here`);
          continue;
        }
        await writeFile(join(folder, file), code);
        const { stdout } = await run(command, [...options, join(folder, file)], { cwd: folder });
        assert.match(stdout, name === "curl" ? /"label":\s*"7"/ : /^7 /, name);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
    await visit.isAccessible();
    await page.getByRole("tab", { name: "Go" }).press("ArrowRight");
    assert.equal(await page.getByRole("tab", { name: "curl" }).getAttribute("aria-selected"), "true");
  }));

/** @param {string} command */
function exists(command) {
  return run("sh", ["-c", `command -v ${command}`]).then(
    () => true,
    () => false,
  );
}

test("everything can be reached and done by keyboard", () =>
  visiting(desktop, async (visit) => {
    const { page } = visit;
    await visit.isAccessible();
    const reached = [];
    for (let i = 0; i < 30; i++) {
      await page.keyboard.press("Tab");
      reached.push(await page.evaluate(() => document.activeElement?.id || document.activeElement?.localName));
    }
    for (const id of ["language", "pad", "undo", "redo", "eraser", "clear", "upload", "brush", "summary", "stage-1", "stage-map-number", "training-start", "tab-curl", "copy"]) {
      assert.ok(reached.includes(id), `${id} is not among ${reached}`);
    }
    await page.locator("#pad").focus();
    await page.keyboard.press("e");
    assert.equal(await page.locator("#eraser").getAttribute("aria-pressed"), "true");
    await page.keyboard.press("e");
    await page.keyboard.press("Space");
    await page.keyboard.down("ArrowDown");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.up("ArrowDown");
    await page.keyboard.press("Escape");
    await visit.settled();
    const places = visit.sent.at(-1).strokes[0].map((/** @type {number[]} */ [x, y]) => [x, y]);
    assert.deepEqual(places, [[140, 140], [140, 154], [154, 168]]);
    await page.waitForFunction(() => document.getElementById("announcement")?.textContent !== "");
  }));

test("how fast it was", (t) => {
  times.sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => (times[Math.floor(times.length * share)] ?? NaN).toFixed(1);
  assert.ok(times.length > 100, `only ${times.length} answers were measured`);
  t.diagnostic(`from stroke to the frame with its answer: median ${at(0.5)} ms, 90 % within ${at(0.9)} ms, 99 % within ${at(0.99)} ms, of ${times.length} answers`);
});
