/**
 * Which language the page speaks, and the button that changes it.
 */
import { byId } from "./dom.mjs";
import { LANGUAGES, chooseLanguage, datasetName, percent, text } from "./translations.mjs";

/** @typedef {import("./translations.mjs").TextKey} TextKey */
/** @typedef {import("./translations.mjs").Language} Language */

export class Speaker {
  /** @type {Language} */
  language = chooseLanguage([remembered(), ...navigator.languages].filter((tag) => tag !== null));
  #button = byId("language", HTMLButtonElement);
  /** @type {TextKey} */
  #title;
  #changed;

  /**
   * @param {TextKey} title of the page
   * @param {() => void} changed is told when the page speaks another language
   */
  constructor(title, changed) {
    this.#title = title;
    this.#changed = changed;
    this.#button.addEventListener("click", () => {
      this.language = this.#other();
      remember(this.language);
      this.translate();
    });
  }

  /** @type {import("./answer.mjs").Translate} */
  t = (key, values) => text(this.language, key, values);

  /** @returns {Language} */
  #other() {
    return this.language === "zh" ? "en" : "zh";
  }

  /** Says everything in the language that was chosen. */
  translate() {
    document.documentElement.lang = LANGUAGES[this.language].tag;
    document.title = this.t(this.#title);
    this.#write();
    this.#button.textContent = LANGUAGES[this.#other()].name;
    this.#button.lang = LANGUAGES[this.#other()].tag;
    this.#changed();
  }

  /**
   * Has the page say other texts from now on, as its model wants them.
   * @param {TextKey} title
   * @param {Partial<Record<TextKey, TextKey>>} instead what is said in place of what
   */
  reword(title, instead) {
    this.#title = title;
    for (const element of document.querySelectorAll("[data-text]")) {
      const key = instead[/** @type {TextKey} */ (element.getAttribute("data-text"))];
      if (key) {
        element.setAttribute("data-text", key);
      }
    }
    document.title = this.t(this.#title);
    this.#write();
  }

  /** Writes every text of the page. */
  #write() {
    for (const element of document.querySelectorAll("[data-text]")) {
      element.textContent = this.t(/** @type {TextKey} */ (element.getAttribute("data-text")));
    }
    for (const element of document.querySelectorAll("[data-label]")) {
      element.setAttribute("aria-label", this.t(/** @type {TextKey} */ (element.getAttribute("data-label"))));
    }
  }

  /**
   * What there is to say about the network, below the page.
   * @param {import("./api.mjs").Model} model
   */
  about(model) {
    const about = [
      model.architecture,
      this.t("modelParameters", { parameters: model.parameters.toLocaleString(LANGUAGES[this.language].tag) }),
      model.dataset && this.t("modelDataset", { dataset: datasetName(this.language, model.dataset, model.split ?? "") }),
      model.target && this.t("modelTarget", { target: model.target }),
      model.r2 && this.t("modelR2", { share: model.r2.toFixed(3) }),
      model.accuracy && this.t("modelAccuracy", { percent: percent(model.accuracy) }),
    ].filter(Boolean);
    return about.length === 0 ? "" : this.t("model", { about: about.join(this.language === "zh" ? "，" : ", ") });
  }
}

/** @returns {string | null} the language chosen here before */
function remembered() {
  try {
    return localStorage.getItem("language");
  } catch {
    return null; // storage is forbidden in this browser
  }
}

/** @param {string} chosen */
function remember(chosen) {
  try {
    localStorage.setItem("language", chosen);
  } catch {
    // The choice then holds until the page is closed.
  }
}
