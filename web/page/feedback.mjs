/**
 * "Was it right?": sends the drawing with its right label to be kept.
 */
import { sendFeedback } from "./api.mjs";
import { byId, make } from "./dom.mjs";

/** @typedef {import("./answer.mjs").Translate} Translate */

/**
 * What was answered, as it was sent.
 * @typedef {object} Answered
 * @property {import("./drawing.mjs").Drawing} drawing
 * @property {number} brush
 * @property {number} index of the class
 * @property {string | null} number the digits that were read; null for a single one
 */

/** What the server calls a drawing of none of the classes. */
const NONE = "none";

export class FeedbackView {
  #t;
  #failed;
  /** @type {string[]} */
  #classes = [];
  /** @type {Answered | null} */
  #answered = null;
  /** @type {number | string | null} the label of the drawing that was just kept */
  #kept = null;

  #box = byId("feedback", HTMLElement);
  #question = byId("feedback-question", HTMLElement);
  #wrong = byId("wrong", HTMLButtonElement);
  #labels = byId("labels", HTMLElement);
  #note = byId("feedback-note", HTMLElement);
  #classButtons = byId("label-buttons", HTMLElement);
  #number = byId("number", HTMLFormElement);
  #digits = byId("number-digits", HTMLInputElement);

  /**
   * @param {Translate} t
   * @param {(error: unknown) => void} failed
   */
  constructor(t, failed) {
    this.#t = t;
    this.#failed = failed;
    byId("right", HTMLButtonElement).addEventListener("click", () => this.#send(this.#answered?.number ?? this.#answered?.index));
    byId("something-else", HTMLButtonElement).addEventListener("click", () => this.#send(NONE));
    this.#number.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send(this.#digits.value);
    });
    this.#wrong.addEventListener("click", () => this.#open(this.#labels.hidden !== false));
  }

  /**
   * Lets feedback be given; without this the question is not asked.
   * @param {string[]} classes
   */
  enable(classes) {
    this.#classes = classes;
    this.#classButtons.replaceChildren(
      ...classes.map((name, index) => {
        const button = make("button", "button", name);
        button.type = "button";
        button.addEventListener("click", () => this.#send(index));
        return button;
      }),
    );
  }

  /** @param {Answered | null} answered null: there is nothing to ask about */
  ask(answered) {
    this.#answered = answered;
    this.#kept = null;
    this.#box.hidden = answered === null || this.#classes.length === 0;
    this.#question.hidden = false;
    const number = answered?.number ?? null;
    this.#classButtons.hidden = number !== null;
    this.#number.hidden = number === null;
    this.#digits.value = number ?? "";
    this.#open(false);
    this.relabel();
  }

  relabel() {
    const kept = this.#kept;
    if (kept === null) {
      this.#note.textContent = "";
    } else if (kept === NONE) {
      this.#note.textContent = this.#t("thanksNone");
    } else {
      this.#note.textContent = this.#t("thanks", { label: typeof kept === "number" ? (this.#classes[kept] ?? kept) : kept });
    }
    byId("labels-title", HTMLElement).textContent = this.#t(this.#number.hidden ? "labelsTitle" : "numberTitle");
  }

  /** @param {boolean} open */
  #open(open) {
    this.#labels.hidden = !open;
    this.#wrong.setAttribute("aria-expanded", String(open));
  }

  /** @param {number | string | undefined} label */
  async #send(label) {
    const answered = this.#answered;
    if (!answered || label === undefined) {
      return;
    }
    this.#answered = null; // a second click does not keep it twice
    try {
      await sendFeedback(answered.drawing, answered.brush, label, answered.index);
    } catch (error) {
      this.#answered ??= answered;
      this.#failed(error);
      return;
    }
    if (this.#answered) {
      return; // another drawing is asked about by now
    }
    this.#kept = label;
    this.#question.hidden = true;
    this.#open(false);
    this.relabel();
  }
}
