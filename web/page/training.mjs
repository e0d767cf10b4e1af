/**
 * "Train a network in front of you": begins a training in the server, shows it as it
 * goes, and lets the network that comes of it read.
 */
import { trainNetwork } from "./api.mjs";
import { byId, make } from "./dom.mjs";
import { floats } from "./inside.mjs";
import { paintMaps } from "./network.mjs";
import { percent } from "./translations.mjs";

/** @typedef {import("./answer.mjs").Translate} Translate */
/** @typedef {import("./api.mjs").TrainingLine} TrainingLine */

/** The chart's size, as in index.html. */
const WIDTH = 300;
const HEIGHT = 120;

export class TrainingView {
  #t;
  #failed;
  #use;
  /** @type {() => string} what is said of the training; anew in another language */
  #words = () => "";
  /** @type {NonNullable<TrainingLine["misread"]>} */
  #misread = [];
  /** @type {[number, number][]} pictures and loss */
  #losses = [];
  #all = 1;
  #running = false;

  #said = byId("training-words", HTMLElement);
  #start = byId("training-start", HTMLButtonElement);
  #chart = byId("training-chart", SVGSVGElement);

  /**
   * @param {Translate} t
   * @param {(error: unknown) => void} failed
   * @param {(trained: boolean) => Promise<void>} use lets the trained network read, or the served one
   */
  constructor(t, failed, use) {
    this.#t = t;
    this.#failed = failed;
    this.#use = use;
    byId("training-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#train();
    });
    byId("which-served", HTMLButtonElement).addEventListener("click", () => void this.#choose(false));
    byId("which-trained", HTMLButtonElement).addEventListener("click", () => void this.#choose(true));
  }

  /** Writes all words again, in the language that is chosen now. */
  relabel() {
    this.#said.textContent = this.#words();
    this.#writeMisread();
  }

  async #train() {
    if (this.#running) {
      return;
    }
    this.#running = true;
    this.#start.setAttribute("aria-disabled", "true");
    this.#losses = [];
    this.#misread = [];
    this.#writeMisread();
    byId("training-progress", HTMLElement).hidden = false;
    let ended = false;
    try {
      const settings = { seed: byId("training-seed", HTMLInputElement).valueAsNumber, lr: byId("training-rate", HTMLInputElement).valueAsNumber };
      await trainNetwork(settings, (line) => {
        this.#show(line);
        ended = line.event === "end" || line.event === "diverged";
        if (line.event === "end") {
          void this.#choose(true);
        }
      });
      if (!ended) {
        this.#say(() => this.#t("trainingBroken"));
      }
    } catch (error) {
      this.#say(() => this.#t("trainingBroken"));
      this.#failed(error);
    }
    this.#running = false;
    this.#start.removeAttribute("aria-disabled");
  }

  /** @param {TrainingLine} line */
  #show(line) {
    const { event, pictures, loss, accuracy = 0, filters, seconds = 0, whole = false, misread = [] } = line;
    const values = () => ({ pictures: pictures.toLocaleString("en"), all: this.#all.toLocaleString("en"), percent: percent(accuracy), seconds: seconds.toFixed(1) });
    switch (event) {
      case "begin":
        this.#all = pictures;
        this.#say(() => this.#t("trainingBegun"));
        break;
      case "look":
        this.#say(() => this.#t("trainingRuns", values()));
        break;
      case "end":
        this.#say(() => this.#t(whole ? "trainingDone" : "trainingCut", values()));
        break;
      case "diverged":
        this.#say(() => this.#t("trainingDiverged", values()));
        break;
    }
    if (loss !== undefined) {
      this.#losses.push([pictures, loss]);
      this.#draw(loss);
    }
    if (filters) {
      paintMaps(byId("training-filters", HTMLCanvasElement), [6, 5, 5], floats(filters));
    }
    if (misread.length > 0) {
      this.#misread = misread;
      this.#writeMisread();
    }
  }

  /** @param {() => string} words */
  #say(words) {
    this.#words = words;
    this.#said.textContent = words();
  }

  /** @param {number} loss the last one */
  #draw(loss) {
    const top = Math.max(...this.#losses.map(([, value]) => value));
    const points = this.#losses.map(([pictures, value]) => `${((pictures / this.#all) * WIDTH).toFixed(1)},${(HEIGHT - 4 - (value / top) * (HEIGHT - 8)).toFixed(1)}`);
    this.#chart.querySelector("polyline")?.setAttribute("points", points.join(" "));
    this.#chart.setAttribute("preserveAspectRatio", "none");
    byId("training-loss", HTMLElement).textContent = loss.toFixed(3);
  }

  #writeMisread() {
    byId("training-misread-words", HTMLElement).textContent = this.#misread.length > 0 ? this.#t("misreadWords") : "";
    byId("training-misread", HTMLOListElement).replaceChildren(
      ...this.#misread.map(({ image, label, read }) => {
        const picture = make("img");
        picture.src = image;
        picture.alt = this.#t("misreadLabel", { label, read });
        const words = make("span", "", `${label} → ${read}`);
        words.setAttribute("aria-hidden", "true");
        return make("li", "", picture, words);
      }),
    );
  }

  /** @param {boolean} trained */
  async #choose(trained) {
    try {
      await this.#use(trained);
    } catch (error) {
      this.#failed(error);
      return;
    }
    byId("which", HTMLElement).hidden = false;
    byId("which-served", HTMLButtonElement).setAttribute("aria-pressed", String(!trained));
    byId("which-trained", HTMLButtonElement).setAttribute("aria-pressed", String(trained));
  }
}
