/**
 * Shows what the server answered: the processed picture, the reading, the
 * steps, the feature maps and the tutorial's own way.
 */
import { byId, make } from "./dom.mjs";
import { floats } from "./inside.mjs";
import { paintSaliency } from "./network.mjs";
import { decode, show, showTiles, wipe } from "./pictures.mjs";
import { barRows, runnersUp } from "./probabilities.mjs";
import { number, percent, quantity, stepName } from "./translations.mjs";

/** @typedef {import("./api.mjs").Prediction} Prediction */
/** @typedef {import("./api.mjs").Step} Step */
/** @typedef {import("./translations.mjs").Language} Language */
/** @typedef {import("./translations.mjs").TextKey} TextKey */

/**
 * An answer's pictures, decoded, so that they are shown all at once.
 * @typedef {object} Pictures
 * @property {ImageBitmap | null} processed
 * @property {ImageBitmap | null} tutorial
 * @property {ImageBitmap[]} steps
 * @property {ImageBitmap[]} features
 */

/**
 * @param {Prediction} prediction
 * @returns {Promise<Pictures>}
 */
async function picturesOf(prediction) {
  const { processed, tutorial, steps = [] } = prediction;
  const features = prediction.inside ? [] : (prediction.features ?? []); // that shows them better
  const [ours, theirs, stepPictures, featurePictures] = await Promise.all([
    processed ? decode(processed) : null,
    tutorial?.processed ? decode(tutorial.processed) : null,
    Promise.all(steps.map((step) => decode(step.image))),
    Promise.all(features.map((feature) => decode(feature.image))),
  ]);
  return { processed: ours, tutorial: theirs, steps: stepPictures, features: featurePictures };
}

/** A line of so many digits fits beside the words. */
const LONG = 8;

/** How probable it must be that a drawing is no digit to be said. */
const NONE = 0.75;

/** @typedef {(key: TextKey, values?: Record<string, string | number>) => string} Translate */

export class AnswerView {
  #t;
  #language;
  /** @type {string[]} */
  #classes = [];
  /** What number the model tells in place of a class; "" for classes. */
  #target = "";
  /** @type {Prediction | null} what is shown; null while there is no answer */
  #shown = null;
  /** @type {"empty" | "unread" | "loading"} why there is none */
  #nothing = "empty";
  #pageMilliseconds = 0;
  /** Numbers the answers as they come. */
  #number = 0;
  /** The number of the answer whose pictures are shown. */
  #pictured = 0;

  #before = byId("before", HTMLCanvasElement);
  #processed = byId("processed", HTMLCanvasElement);
  #saliency = byId("saliency", HTMLCanvasElement);
  #tutorial = byId("tutorial-processed", HTMLCanvasElement);
  #verdict = byId("verdict", HTMLElement);
  #digit = byId("digit", HTMLElement);
  #words = byId("words", HTMLElement);
  #glance = byId("glance", HTMLElement);
  #bars = byId("bars", HTMLOListElement);
  #timing = byId("timing", HTMLElement);
  #steps = byId("steps", HTMLOListElement);
  #features = byId("features", HTMLElement);

  /**
   * @param {Translate} t
   * @param {() => Language} language
   */
  constructor(t, language) {
    this.#t = t;
    this.#language = language;
  }

  /** @param {string[]} classes in the order of the probabilities */
  set classes(classes) {
    this.#classes = classes;
    this.#writeWords();
  }

  /** @param {string} target the number that the model tells in place of classes */
  set target(target) {
    this.#target = target;
    this.classes = [];
  }

  /**
   * Shows the answer at once, and its pictures a few milliseconds later.
   * @param {Prediction} prediction
   */
  async show(prediction) {
    this.#shown = prediction;
    this.#pageMilliseconds = 0;
    this.#writeWords();
    const number = ++this.#number;
    const pictures = await picturesOf(prediction);
    // The pictures of a later answer may have been decoded sooner.
    if (number > this.#pictured) {
      this.#pictured = number;
      this.#paint(pictures, prediction);
    }
    for (const bitmap of [pictures.processed, pictures.tutorial, ...pictures.steps, ...pictures.features]) {
      bitmap?.close();
    }
  }

  /**
   * @param {Pictures} pictures
   * @param {Prediction} prediction
   */
  #paint(pictures, prediction) {
    showOrWipe(this.#before, pictures.steps[0] ?? pictures.processed);
    showOrWipe(this.#processed, pictures.processed);
    if (pictures.processed && prediction.inside) {
      paintSaliency(this.#saliency, pictures.processed, floats(prediction.inside.saliency));
    }
    showOrWipe(this.#tutorial, pictures.tutorial);
    showAll(this.#steps, "li", pictures.steps, show);
    showAll(this.#features, "figure", pictures.features, (canvas, bitmap, i) => {
      const { maps = 1, columns = 1 } = prediction.features?.[i] ?? {};
      showTiles(canvas, bitmap, maps, columns);
    });
    this.#writeDetails();
  }

  /**
   * There is no answer to what is on the pad.
   * @param {"empty" | "unread" | "loading"} why
   */
  showNothing(why) {
    this.#nothing = why;
    this.#shown = null;
    this.#pictured = ++this.#number;
    wipe(this.#before);
    wipe(this.#processed);
    wipe(this.#saliency);
    wipe(this.#tutorial);
    this.#steps.replaceChildren();
    this.#features.replaceChildren();
    this.#writeWords();
  }

  /** @param {number} milliseconds from the stroke to the answer on the page */
  showTiming(milliseconds) {
    this.#pageMilliseconds = milliseconds;
    this.#writeTiming();
  }

  /** Writes all words again, in the language that is chosen now. */
  relabel() {
    this.#writeWords();
  }

  /** What a screen reader is told. */
  get spoken() {
    const shown = this.#shown;
    if (shown?.number !== undefined) {
      return this.#t("spokenNumber", { target: this.#target, number: this.#answer(shown) });
    }
    if (!shown || shown.empty || !shown.sure) {
      return this.#words.textContent ?? "";
    }
    return this.#t("spokenSure", { label: shown.label, percent: percent(topOf(shown)) });
  }

  #writeWords() {
    const shown = this.#shown;
    const reads = shown !== null && !shown.empty;
    const answer = reads ? this.#answer(shown) : "";
    const measured = shown?.number !== undefined;
    const unsure = reads && !shown.sure && !measured;
    this.#verdict.dataset.state = reads ? (unsure ? "unsure" : "sure") : "empty";
    this.#digit.textContent = answer;
    this.#words.textContent = this.#verdictWords();
    this.#glance.textContent = reads ? `${answer} · ${measured ? this.#target : percent(topOf(shown))}` : "";
    this.#glance.classList.toggle("unsure", unsure);
    this.#digit.classList.toggle("number", reads && (measured || shown.digits !== undefined));
    this.#digit.classList.toggle("long", answer.split("\n").some((line) => line.length > LONG));
    if (reads && shown.digits) {
      // Of a number each bar is one of its digits.
      this.#writeBars(
        shown.digits.map(({ probability }) => probability),
        shown.digits.map(({ label }) => label),
        "",
      );
    } else {
      this.#writeBars(reads ? shown.probabilities : this.#classes.map(() => 0), this.#classes, reads ? shown.label : null);
    }
    this.#writeTiming();
    this.#before.setAttribute("aria-label", this.#t(shown?.processed ? "beforeLabel" : "processedEmpty"));
    this.#processed.setAttribute("aria-label", this.#t(shown?.processed ? "processedLabel" : "processedEmpty"));
    this.#saliency.setAttribute("aria-label", this.#t(shown?.inside ? "saliencyLabel" : "processedEmpty"));
    this.#tutorial.setAttribute("aria-label", this.#t(shown?.tutorial ? "processedLabel" : "processedEmpty"));
    this.#writeDetails();
    this.#writeComparison(reads ? shown : null);
  }

  /**
   * What was read: a class, the number that several digits are, or the one that is told.
   * @param {Prediction} shown
   */
  #answer(shown) {
    return shown.number === undefined ? shown.label : quantity(this.#language(), shown.number);
  }

  #verdictWords() {
    const shown = this.#shown;
    if (!shown) {
      return this.#t(this.#nothing);
    }
    if (shown.empty) {
      return this.#t("blank");
    }
    if (shown.number !== undefined) {
      return this.#target;
    }
    const { digits, none = 0, left_out: leftOut = 0 } = shown;
    const aside = leftOut > 0 ? ` ${this.#t("leftOut", { count: leftOut })}` : "";
    if (digits) {
      return this.#t(shown.sure ? "sure" : "unsureNumber", { percent: percent(topOf(shown)) }) + aside;
    }
    return (none >= NONE ? this.#t("none", { percent: percent(none) }) : this.#singleWords(shown)) + aside;
  }

  /** @param {Prediction} shown */
  #singleWords(shown) {
    const [first, second] = runnersUp(shown.probabilities, this.#classes);
    if (shown.sure || !first) {
      return this.#t("sure", { percent: percent(topOf(shown)) });
    }
    if (!second || second.probability < 0.01) {
      return this.#t("unsureAlone", { first: first.label, percent: percent(first.probability) });
    }
    return this.#t("unsure", {
      first: first.label,
      percent: percent(first.probability),
      second: second.label,
      secondPercent: percent(second.probability),
    });
  }

  /**
   * @param {number[]} probabilities
   * @param {string[]} labels
   * @param {string | null} top the one that stands out; null while there is no answer
   */
  #writeBars(probabilities, labels, top) {
    const rows = barRows(probabilities, labels);
    while (this.#bars.children.length > rows.length) {
      this.#bars.lastElementChild?.remove();
    }
    rows.forEach((row, i) => {
      let item = this.#bars.children[i];
      if (!(item instanceof HTMLLIElement)) {
        item = make("li", "", make("span", "label"), make("span", "bar"), make("span", "share"));
        this.#bars.append(item);
      }
      const [label, bar, share] = /** @type {HTMLElement[]} */ ([...item.children]);
      item.classList.toggle("likeliest", row.label === top);
      if (label && bar && share) {
        label.textContent = row.label;
        bar.style.setProperty("--share", String(row.probability));
        share.textContent = top === null ? "" : percent(row.probability);
      }
    });
  }

  #writeTiming() {
    const server = this.#shown?.milliseconds;
    const known = server !== undefined && this.#pageMilliseconds > 0;
    this.#timing.textContent = known
      ? this.#t("timing", { server: server.toFixed(1), page: this.#pageMilliseconds.toFixed(0) })
      : "";
  }

  #writeDetails() {
    const steps = this.#shown?.steps ?? [];
    label(
      this.#steps,
      steps.map((step) => this.#stepCaption(step)),
      (name) => this.#t("stepLabel", { name }),
    );
    const features = this.#shown?.inside ? [] : (this.#shown?.features ?? []);
    label(
      this.#features,
      features.map(({ name }) => name),
      (name, i) => this.#t("featuresLabel", { name, maps: features[i]?.maps ?? 0 }),
    );
    byId("steps-empty", HTMLElement).hidden = steps.length > 0;
    byId("features-empty", HTMLElement).hidden = features.length > 0;
  }

  /** @param {Step} step */
  #stepCaption({ name, black, white }) {
    const words = stepName(this.#language(), name);
    // Bytes, from 0 to 255, go without saying.
    return white === 255 ? words : this.#t("stepRange", { name: words, black: number(black), white: number(white) });
  }

  /** @param {Prediction | null} shown */
  #writeComparison(shown) {
    const tutorial = shown?.tutorial?.label ? shown.tutorial : null; // shrunk, the ink may be gone
    const answer = byId("tutorial-answer", HTMLElement);
    answer.classList.toggle("differs", tutorial !== null && tutorial.label !== shown?.label);
    answer.textContent = !tutorial
      ? ""
      : this.#t(tutorial.label === shown?.label ? "agree" : "disagree", {
          label: tutorial.label,
          percent: percent(Math.max(...tutorial.probabilities)),
        });
  }
}

/**
 * How probable the answer is; of a number, its least sure digit.
 * @param {Prediction} prediction
 */
function topOf({ probabilities, digits }) {
  return digits ? Math.min(...digits.map(({ probability }) => probability)) : Math.max(...probabilities);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap | null} bitmap
 */
function showOrWipe(canvas, bitmap) {
  if (bitmap) {
    show(canvas, bitmap);
  } else {
    wipe(canvas);
  }
}

/**
 * Shows each bitmap on a canvas of its own in the list, with room for a caption.
 * @param {HTMLElement} list
 * @param {"li" | "figure"} tag
 * @param {ImageBitmap[]} bitmaps
 * @param {(canvas: HTMLCanvasElement, bitmap: ImageBitmap, i: number) => void} showOne
 */
function showAll(list, tag, bitmaps, showOne) {
  while (list.children.length > bitmaps.length) {
    list.lastElementChild?.remove();
  }
  bitmaps.forEach((bitmap, i) => {
    let canvas = list.children[i]?.querySelector("canvas");
    if (!canvas) {
      canvas = make("canvas", "pixels");
      canvas.setAttribute("role", "img");
      list.append(make(tag, "", canvas, make(tag === "figure" ? "figcaption" : "span", "caption")));
    }
    showOne(canvas, bitmap, i);
  });
}

/**
 * @param {HTMLElement} list
 * @param {string[]} names
 * @param {(name: string, i: number) => string} describe
 */
function label(list, names, describe) {
  names.forEach((name, i) => {
    const item = list.children[i];
    item?.querySelector("canvas")?.setAttribute("aria-label", describe(name, i));
    const caption = item?.querySelector(".caption");
    if (caption) {
      caption.textContent = name;
    }
  });
}
