/**
 * Asks the engine, which answers in a worker of its own so that the page never waits.
 */
import { Refusal, sentenceOf } from "./api.mjs";

/** @typedef {{ resolve: (text: string) => void, reject: (error: unknown) => void }} Waiting */

export class Engine {
  #worker = new Worker(new URL("./worker.mjs", import.meta.url));
  #next = 0;
  /** @type {Map<number, Waiting>} who waits for an answer, by the number of the question */
  #waiting = new Map();
  /** @type {Promise<any> | null} */
  #described = null;

  constructor() {
    this.#worker.addEventListener("message", ({ data: { id, text, failed } }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (failed === undefined) {
        waiting?.resolve(text);
      } else {
        waiting?.reject(new Error(failed));
      }
    });
    this.#worker.addEventListener("error", () => {
      this.#waiting.forEach(({ reject }) => reject(new Error("the engine has ended")));
      this.#waiting.clear();
    });
  }

  /**
   * What GET /api/model and GET /api/network answer.
   * @returns {Promise<{ model: import("./api.mjs").Model, network: any }>}
   */
  describe() {
    this.#described ??= this.#ask("describe", "");
    return this.#described;
  }

  /**
   * What POST /api/predict answers.
   * @param {object} request
   * @param {AbortSignal} [signal]
   * @returns {Promise<import("./api.mjs").Prediction>}
   */
  predict(request, signal) {
    return this.#ask("predict", JSON.stringify(request), signal);
  }

  /**
   * @param {"describe" | "predict"} name
   * @param {string} request
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  async #ask(name, request, signal) {
    signal?.throwIfAborted();
    const id = this.#next++;
    /** @type {string} */
    const text = await new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      signal?.addEventListener("abort", () => reject(signal.reason));
      this.#worker.postMessage({ id, name, request });
    });
    const answer = JSON.parse(text);
    if (answer.problem) {
      throw new Refusal(answer.problem.status, sentenceOf(JSON.stringify(answer.problem)) ?? "", 0);
    }
    return answer;
  }
}
