/**
 * A visit to the page in Chromium: what the tests do with it and see of it.
 */
import assert from "node:assert/strict";
import axe from "axe-core";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("./digits.mjs").Place} Place */

export class Visit {
  /** @type {Page} */
  page;
  /** @type {string[]} errors and warnings on the console, and uncaught exceptions */
  complaints = [];
  /** @type {string[]} requests to other hosts */
  foreign = [];
  /** @type {any[]} the bodies of what was sent to /api/predict */
  sent = [];
  #flying = 0;
  #quietSince = Date.now();

  /**
   * @param {Page} page
   * @param {string} url
   */
  constructor(page, url) {
    this.page = page;
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        this.complaints.push(message.text());
      }
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith(url)) {
        this.foreign.push(request.url());
      }
      if (request.url().endsWith("/api/predict")) {
        this.#flying++;
        this.sent.push(request.postDataJSON());
      }
    });
    const landed = (/** @type {import("playwright-core").Request} */ request) => {
      if (request.url().endsWith("/api/predict")) {
        this.#flying--;
        this.#quietSince = Date.now();
      }
    };
    page.on("requestfinished", landed);
    page.on("requestfailed", landed);
  }

  /**
   * Opens the chooser of files, and gives it. Chromium is told beforehand to hand choosers over, but does not
   * say when it will: what it showed itself meanwhile is lost, and is opened once more.
   * @param {() => Promise<void>} open
   * @returns {Promise<import("playwright-core").FileChooser>}
   */
  async chooser(open) {
    const chosen = this.page.waitForEvent("filechooser", { timeout: 60_000 });
    await this.frames(3);
    for (let tries = 0; tries < 3; tries++) {
      await open();
      const given = await Promise.race([chosen, new Promise((resolve) => setTimeout(resolve, 10_000, null))]);
      if (given) {
        break;
      }
    }
    return chosen;
  }

  /** Waits until the last answer is on the page. */
  async settled() {
    await this.frames(3); // a change is sent in the next frame
    this.#quietSince = Date.now();
    while (this.#flying > 0 || Date.now() - this.#quietSince < 120) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await this.frames(2);
  }

  /** @param {number} count */
  async frames(count) {
    for (let i = 0; i < count; i++) {
      await this.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    }
  }

  /** @returns {Promise<string | null>} what the page says it reads */
  async reading() {
    await this.settled();
    return this.page.locator("#digit").textContent();
  }

  /** @returns {Promise<string | undefined>} "empty", "sure" or "unsure" */
  async state() {
    await this.settled();
    return (await this.page.locator("#verdict").getAttribute("data-state")) ?? undefined;
  }

  /** How much of the pad is not paper, 0 to 1. */
  async ink() {
    await this.frames(2);
    return this.page.locator("#pad").evaluate((canvas) => {
      if (!(canvas instanceof HTMLCanvasElement)) {
        return NaN;
      }
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
      copy?.drawImage(canvas, 0, 0);
      const pixels = copy?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      let inked = 0;
      for (let i = 0; i < pixels.length; i += 4) {
        inked += Math.abs((pixels[i] ?? 0) - (pixels[0] ?? 0)) > 64 ? 1 : 0;
      }
      return (inked * 4) / pixels.length;
    });
  }

  /**
   * Where a place of the unit square is on the screen.
   * @returns {Promise<(place: Place) => { x: number, y: number }>}
   */
  async onScreen() {
    const pad = this.page.locator("#pad");
    await pad.scrollIntoViewIfNeeded();
    const box = await pad.boundingBox();
    assert.ok(box);
    return ([x, y]) => ({ x: box.x + x * box.width, y: box.y + y * box.height });
  }

  /** @param {readonly (readonly Place[])[]} strokes */
  async mouse(strokes) {
    const at = await this.onScreen();
    const { mouse } = this.page;
    for (const stroke of strokes) {
      const [first, ...others] = stroke.map(at);
      assert.ok(first);
      await mouse.move(first.x, first.y);
      await mouse.down();
      for (const place of others) {
        await mouse.move(place.x, place.y, { steps: 2 });
      }
      await mouse.up();
    }
  }

  /** @param {readonly (readonly Place[])[]} strokes */
  async touch(strokes) {
    const at = await this.onScreen();
    const client = await this.page.context().newCDPSession(this.page);
    for (const stroke of strokes) {
      let type = /** @type {"touchStart" | "touchMove"} */ ("touchStart");
      for (const place of between(stroke)) {
        await client.send("Input.dispatchTouchEvent", { type, touchPoints: [{ ...at(place), radiusX: 12, radiusY: 12 }] });
        type = "touchMove";
      }
      await client.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    }
    await client.detach();
  }

  /**
   * Draws with a pen that is pressed harder and harder.
   * @param {readonly (readonly Place[])[]} strokes
   */
  async pen(strokes) {
    const at = await this.onScreen();
    const client = await this.page.context().newCDPSession(this.page);
    for (const stroke of strokes) {
      const places = between(stroke);
      /** @type {"mousePressed" | "mouseMoved"} */
      let type = "mousePressed";
      for (const [i, place] of places.entries()) {
        await client.send("Input.dispatchMouseEvent", {
          type,
          ...at(place),
          button: "left",
          buttons: 1,
          clickCount: type === "mousePressed" ? 1 : 0,
          pointerType: "pen",
          force: 0.2 + (0.6 * i) / places.length,
        });
        type = "mouseMoved";
      }
      const last = places.at(-1);
      assert.ok(last);
      await client.send("Input.dispatchMouseEvent", { type: "mouseReleased", ...at(last), button: "left", buttons: 0, clickCount: 1, pointerType: "pen" });
    }
    await client.detach();
  }

  /**
   * Draws with the arrow keys, starting from where the cross is.
   * @param {readonly (readonly Place[])[]} strokes on the grid of 20 by 20
   * @param {Place} from where the cross is
   * @returns {Promise<Place>} where the cross is afterwards
   */
  async keyboard(strokes, from = [10, 10]) {
    const { keyboard } = this.page;
    let cross = from;
    const walk = async (/** @type {Place} */ to) => {
      while (cross[0] !== to[0] || cross[1] !== to[1]) {
        const dx = Math.sign(to[0] - cross[0]);
        const dy = Math.sign(to[1] - cross[1]);
        await keyboard.press(KEYS[`${dx},${dy}`] ?? "");
        cross = [cross[0] + dx, cross[1] + dy];
      }
    };
    for (const [first, ...others] of strokes) {
      assert.ok(first);
      await walk(first);
      await keyboard.press("Space");
      for (const place of others) {
        await walk(place);
      }
      await keyboard.press("Space");
    }
    return cross;
  }

  /** Fails where axe finds anything at all wrong. */
  async isAccessible() {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate(() => /** @type {any} */ (globalThis).axe.run());
    assert.deepEqual(
      violations.map((/** @type {any} */ violation) => [violation.id, violation.nodes.map((/** @type {any} */ node) => node.failureSummary + node.html)]),
      [],
    );
  }

  /** Fails if the console had anything to complain of, or another host was asked. */
  isClean() {
    assert.deepEqual(this.complaints, []);
    assert.deepEqual(this.foreign, []);
  }
}

/** @type {Readonly<Record<string, string>>} */
const KEYS = {
  "-1,0": "ArrowLeft",
  "1,0": "ArrowRight",
  "0,-1": "ArrowUp",
  "0,1": "ArrowDown",
  "-1,-1": "Home",
  "1,-1": "PageUp",
  "-1,1": "End",
  "1,1": "PageDown",
};

/**
 * The places with two more on every line, as a device reports them.
 * @param {readonly Place[]} stroke
 * @returns {Place[]}
 */
function between(stroke) {
  return stroke.flatMap((place, i) => {
    const last = stroke[i - 1];
    return last
      ? [1 / 3, 2 / 3, 1].map((share) => /** @type {Place} */ ([last[0] + (place[0] - last[0]) * share, last[1] + (place[1] - last[1]) * share]))
      : [place];
  });
}
