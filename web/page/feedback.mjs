/**
 * "Was it right?": sends the drawing with its right label to be kept.
 */
import { sendFeedback } from "./api.mjs";
import { byId, make } from "./dom.mjs";

/** @typedef {import("./answer.mjs").Translate} Translate */

/**
 * What was answered, as it was sent.
 * @typedef {{ drawing: import("./drawing.mjs").Drawing, brush: number, index: number }} Answered
 */

export class FeedbackView {
  #t;
  #failed;
  /** @type {string[]} */
  #classes = [];
  /** @type {Answered | null} */
  #answered = null;
  /** @type {string | null} the label of the drawing that was just kept */
  #kept = null;

  #box = byId("feedback", HTMLElement);
  #question = byId("feedback-question", HTMLElement);
  #wrong = byId("wrong", HTMLButtonElement);
  #labels = byId("labels", HTMLElement);
  #note = byId("feedback-note", HTMLElement);

  /**
   * @param {Translate} t
   * @param {(error: unknown) => void} failed
   */
  constructor(t, failed) {
    this.#t = t;
    this.#failed = failed;
    byId("right", HTMLButtonElement).addEventListener("click", () => this.#send(this.#answered?.index));
    this.#wrong.addEventListener("click", () => this.#open(this.#labels.hidden !== false));
  }

  /**
   * Lets feedback be given; without this the question is not asked.
   * @param {string[]} classes
   */
  enable(classes) {
    this.#classes = classes;
    byId("label-buttons", HTMLElement).replaceChildren(
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
    this.#open(false);
    this.relabel();
  }

  relabel() {
    this.#note.textContent = this.#kept === null ? "" : this.#t("thanks", { label: this.#kept });
  }

  /** @param {boolean} open */
  #open(open) {
    this.#labels.hidden = !open;
    this.#wrong.setAttribute("aria-expanded", String(open));
  }

  /** @param {number | undefined} label */
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
    this.#kept = this.#classes[label] ?? String(label);
    this.#question.hidden = true;
    this.#open(false);
    this.relabel();
  }
}
