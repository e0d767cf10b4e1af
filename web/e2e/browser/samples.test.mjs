/**
 * The pages of models that read texts and that understand recordings, in a real browser
 * before a real server of a model that was trained for it. SHOTS names a folder for pictures
 * of the pages.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import axe from "axe-core";
import { chromium } from "playwright-core";
import { png } from "./png.mjs";
import { startServer } from "./server.mjs";

const run = promisify(execFile);

/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--disable-gpu", "--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"],
  });
});

after(() => browser?.close());

/**
 * Opens the page of a server, and sees to it that neither the console nor another host was
 * troubled, and that axe finds nothing, in light and dark.
 * @param {string} url
 * @param {string} name of the pictures
 * @param {import("playwright-core").BrowserContextOptions} options
 * @param {(page: import("playwright-core").Page) => Promise<void>} use
 */
async function visiting(url, name, options, use) {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    const context = await browser.newContext({ ...options, colorScheme });
    const page = await context.newPage();
    /** @type {string[]} */
    const complaints = [];
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && !message.text().includes("422") && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => request.url().startsWith(url) || request.url().startsWith("data:") || request.url().startsWith("blob:") || complaints.push(request.url()));
    await page.goto(url);
    await use(page);
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
    assert.deepEqual(violations.map((/** @type {any} */ v) => `${v.id}: ${v.nodes[0].html}`), []);
    assert.deepEqual(complaints, []);
    const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(width <= 0, `the page is ${width} px too wide`);
    if (process.env["SHOTS"]) {
      await page.screenshot({ path: join(process.env["SHOTS"], `${name}-${colorScheme}.png`), fullPage: true });
    }
    await context.close();
  }
}

/** WAV of a tone that rises or falls. @param {boolean} rises @param {number} start in Hz */
function tone(rises, start) {
  const samples = 2000;
  const file = Buffer.alloc(44 + 2 * samples);
  file.write("RIFF", 0);
  file.writeUInt32LE(36 + 2 * samples, 4);
  file.write("WAVEfmt ", 8);
  [16, 1 + (1 << 16), 8000, 16000, 2 + (16 << 16)].forEach((value, i) => file.writeUInt32LE(value, 16 + 4 * i));
  file.write("data", 36);
  file.writeUInt32LE(2 * samples, 40);
  let phase = 0;
  for (let i = 0; i < samples; i++) {
    const at = rises ? i / samples : 1 - i / samples;
    phase += (2 * Math.PI * (start + 1500 * at)) / 8000;
    file.writeInt16LE(Math.round(16000 * Math.sin(phase)), 44 + 2 * i);
  }
  return file;
}

const desktop = { viewport: { width: 1280, height: 900 }, locale: "en-US" };
const phone = { viewport: { width: 320, height: 640 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, locale: "zh-CN" };

test("a text is read while it is written, and the words that made the answer are shown", async () => {
  const { url, stop } = await startServer({
    feedback: false,
    prepare: async (binary, folder) => {
      const words = ["the", "film", "a", "plot", "and", "actors", "was", "music"];
      const lines = Array.from({ length: 240 }, (_, i) => {
        const sentence = Array.from({ length: 5 }, (_, j) => words[(7 * i + 3 * j) % 8]);
        sentence[i % 5] = (i % 2 ? ["great", "lovely"] : ["dull", "boring"])[(i >> 1) % 2];
        return `${i % 2 ? "good" : "bad"}\t${sentence.join(" ")}\n`;
      });
      await writeFile(join(folder, "reviews.tsv"), lines.join(""));
      await run(binary, ["train", "--data", "reviews.tsv", "--model", "textcnn dim=16 filters=16", "--lr", "0.01", "--batch", "20", "--out", "reviews.pth"], { cwd: folder });
      return join(folder, "reviews.pth");
    },
  });
  try {
    await visiting(url, "texts", desktop, async (page) => {
      await page.locator("#text").pressSequentially("the film was lovely");
      await page.waitForFunction(() => document.querySelector("#tokens")?.textContent?.includes("lovely"));
      assert.match((await page.locator("#answer").textContent()) ?? "", /good/);
      assert.equal(await page.locator("#tokens .most").first().textContent(), "lovely");
      await page.locator("#text").fill("a dull plot, unheard of");
      await page.waitForFunction(() => document.querySelector("#tokens")?.textContent?.includes("(unheard)"));
      assert.match((await page.locator("#answer").textContent()) ?? "", /bad/);
    });
    await visiting(url, "texts-phone", phone, async (page) => {
      assert.equal(await page.title(), "Inkling：边写边读");
      await page.locator("#text").fill("a great film");
      await page.waitForFunction(() => document.querySelector("#tokens")?.textContent?.includes("great"));
      await page.locator("#language").click();
      assert.equal(await page.locator("html").getAttribute("lang"), "en");
    });
  } finally {
    await stop();
  }
});

test("a row of numbers is read while it is changed, also into a number", async () => {
  for (const measures of [false, true]) {
    const { url, stop } = await startServer({
      feedback: false,
      prepare: async (binary, folder) => {
        const lines = Array.from({ length: 240 }, (_, i) => {
          const [rooms, area] = [1 + (i % 5), 40 + ((37 * i) % 90)];
          return `${rooms},${area},${measures ? 1000.5 * area + 20 * rooms : area > 85 ? "large" : "small"}\n`;
        });
        await writeFile(join(folder, "homes.csv"), ["rooms,area,label\n", ...lines].join(""));
        await run(binary, ["train", "--data", "homes.csv", "--out", "homes.pth"], { cwd: folder });
        return join(folder, "homes.pth");
      },
    });
    try {
      await visiting(url, measures ? "numbers" : "vectors", desktop, async (page) => {
        const [area] = await Promise.all([page.getByLabel("area", { exact: true }), page.waitForSelector("#columns input")]);
        const answer = page.locator("#answer");
        await page.waitForFunction(() => !document.querySelector("#answer")?.textContent?.includes("nothing to read"));
        await area.fill("125");
        assert.match(await page.locator("#row").inputValue(), /, 125$/);
        await page.waitForFunction((number) => (number ? /label 1[012]\d,\d/ : /large/).test(document.querySelector("#answer")?.textContent ?? ""), measures);
        await page.locator("#row").fill("2, 45");
        await page.waitForFunction((number) => (number ? /label [45]\d,\d/ : /small/).test(document.querySelector("#answer")?.textContent ?? ""), measures);
        assert.equal(await area.inputValue(), "45");
        await page.locator("#row").fill("2, much");
        await page.waitForFunction(() => /Number 2 of the row/.test(document.querySelector("#problem")?.textContent ?? ""));
        await page.locator("#row").fill("2");
        await page.waitForFunction(() => /1 numbers, and the model reads 2/.test(document.querySelector("#problem")?.textContent ?? ""));
        assert.match((await answer.textContent()) ?? "", /nothing to read/);
        await page.locator("#row").fill("2, 45");
        await page.waitForFunction(() => /** @type {HTMLElement} */ (document.querySelector("#problem")).hidden);
      });
      await visiting(url, measures ? "numbers-phone" : "vectors-phone", phone, async (page) => {
        assert.equal(await page.title(), "Inkling：读一行数");
        await page.waitForSelector("#columns input");
      });
    } finally {
      await stop();
    }
  }
});

test("a number is told of a picture that is chosen, or drawn", async () => {
  for (const drawn of [false, true]) {
    // How wide a bar is: on gray pictures, which drawings become, and on others.
    const bar = (/** @type {number} */ size, /** @type {number} */ width) => png(size, size, drawn ? [220] : [220, 60, 200], drawn ? [10] : [10, 10, 40], width);
    const name = drawn ? "drawings-numbers" : "pictures-numbers";
    const { url, folder, stop } = await startServer({
      feedback: false,
      prepare: async (binary, home) => {
        const lines = [];
        for (let i = 0; i < 104; i++) {
          await writeFile(join(home, `${i}.png`), bar(28, 1 + (i % 26)));
          lines.push(`${i}.png,${1000.5 + 200 * (1 + (i % 26))}\n`);
        }
        await writeFile(join(home, "bars.csv"), ["path,width\n", ...lines].join(""));
        await run(binary, ["train", "--data", "bars.csv", "--recipe", "folder", "--model", "lenet", "--augment", "none", "--epochs", "30", "--batch", "8", "--out", "bars.pth"], { cwd: home });
        return join(home, "bars.pth");
      },
    });
    try {
      await writeFile(join(folder, "wide.png"), bar(56, 40));
      for (const [options, told] of /** @type {const} */ ([
        [desktop, /^width: [45],\d{3}/],
        [phone, /^width 为 [45],\d{3}/],
      ])) {
        await visiting(url, options === phone ? `${name}-phone` : name, options, async (page) => {
          await page.waitForFunction(() => /width/.test(document.querySelector("#model")?.textContent ?? ""));
          assert.equal(await page.locator("#bars").isHidden(), true);
          await page.setInputFiles("#file", join(folder, "wide.png"));
          if (!drawn) {
            await page.locator('#words[data-state="answered"]').waitFor();
            assert.match((await page.locator("#words").textContent()) ?? "", told);
            return;
          }
          await page.waitForFunction(() => /^[45],\d{3}/.test(document.querySelector("#digit")?.textContent ?? ""));
          assert.equal(await page.locator("#words").textContent(), "width");
          assert.ok(await page.locator("#digit").evaluate((digit) => digit.scrollWidth <= digit.clientWidth), "the number leaves its frame");
          assert.equal(await page.locator("#tutorial-figure").isHidden(), true);
          assert.match((await page.locator("#snippet").textContent()) ?? "", /^curl/);
          await page.locator("#tab-python").click();
          assert.match((await page.locator("#snippet").textContent()) ?? "", /print\(answer\["number"\]\)/);
        });
      }
    } finally {
      await stop();
    }
  }
});

test("a recording is understood: of the microphone, and of a file", async () => {
  const { url, stop } = await startServer({
    feedback: false,
    prepare: async (binary, folder) => {
      for (const rises of [true, false]) {
        const place = join(folder, "tones", rises ? "rises" : "falls");
        await mkdir(place, { recursive: true });
        for (let i = 0; i < 20; i++) {
          await writeFile(join(place, `${i}.wav`), tone(rises, 400 + 5 * i));
        }
      }
      await run(binary, ["train", "--data", "tones", "--epochs", "8", "--batch", "8", "--mels", "16", "--out", "tones.pth"], { cwd: folder });
      return join(folder, "tones.pth");
    },
  });
  try {
    /** @param {import("playwright-core").Page} page */
    const file = async (page) => {
      await page.locator("#file").setInputFiles({ name: "tone.wav", mimeType: "audio/wav", buffer: tone(true, 433) });
      await page.waitForFunction(() => document.querySelector("#odds")?.children.length === 2);
      assert.match((await page.locator("#answer").textContent()) ?? "", /rises/);
      assert.ok(await page.locator("#spectrum").isVisible());
    };
    await visiting(url, "recordings", desktop, async (page) => {
      await page.locator("#record").click();
      await page.waitForFunction(() => document.querySelector("#record")?.getAttribute("aria-pressed") === "true");
      await page.waitForTimeout(1500); // the browser's own microphone beeps every second
      await page.locator("#record").click();
      await page.waitForFunction(() => document.querySelector("#timing")?.textContent !== "" || !document.querySelector("#problem")?.hasAttribute("hidden"));
      assert.equal(await page.locator("#problem").textContent(), "");
      assert.match((await page.locator("#timing").textContent()) ?? "", /^[12]\.\d\d s at (44100|48000) samples a second/);
      await file(page);
    });
    await visiting(url, "recordings-phone", phone, file);
    // By http from elsewhere there is no microphone, and the page says why.
    const context = await browser.newContext(desktop);
    const page = await context.newPage();
    await page.addInitScript(() => Object.defineProperty(globalThis, "isSecureContext", { value: false }));
    await page.goto(url);
    await page.locator("#record").click();
    assert.match((await page.locator("#problem").textContent()) ?? "", /https only/);
    await page.locator("#file").setInputFiles({ name: "text.wav", mimeType: "audio/wav", buffer: Buffer.from("no sound") });
    await page.waitForFunction(() => document.querySelector("#problem")?.textContent?.includes("no recording"));
    await context.close();
  } finally {
    await stop();
  }
});
