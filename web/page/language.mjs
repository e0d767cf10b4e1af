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
    for (const element of document.querySelectorAll("[data-text]")) {
      element.textContent = this.t(/** @type {TextKey} */ (element.getAttribute("data-text")));
    }
    for (const element of document.querySelectorAll("[data-label]")) {
      element.setAttribute("aria-label", this.t(/** @type {TextKey} */ (element.getAttribute("data-label"))));
    }
    this.#button.textContent = LANGUAGES[this.#other()].name;
    this.#button.lang = LANGUAGES[this.#other()].tag;
    this.#changed();
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
