/**
 * The server's JSON API, as far as this page uses it.
 */
import { PAD, rounded } from "./drawing.mjs";

/** @typedef {import("./drawing.mjs").Drawing} Drawing */

/**
 * @typedef {object} Prediction
 * @property {string} label
 * @property {number} index
 * @property {number[]} probabilities one for each class, in the model's order
 * @property {boolean} sure
 * @property {boolean} empty
 * @property {ReadDigit[]} [digits] of a number; label is all of them then
 * @property {number} [none] how probable it is that it is no digit
 * @property {number} [left_out] how many pieces of ink are too small for a digit
 * @property {string} [processed] data URL
 * @property {number} [milliseconds] that the server took
 * @property {Step[]} [steps]
 * @property {Features[]} [features]
 * @property {{ processed: string, probabilities: number[], label: string }} [tutorial]
 */

/**
 * @typedef {object} ReadDigit
 * @property {string} label
 * @property {number} probability
 * @property {number} [none]
 */

/**
 * The picture after a step of its preparation.
 * @typedef {object} Step
 * @property {string} name
 * @property {string} image data URL
 * @property {number} black what black stands for
 * @property {number} white
 */

/**
 * What a layer finds in the picture, all maps in one image.
 * @typedef {object} Features
 * @property {string} name of the layer
 * @property {number} maps
 * @property {number} columns how many maps are side by side, without gaps
 * @property {string} image data URL
 */

/**
 * @typedef {object} Model
 * @property {string[]} classes
 * @property {number} [accuracy] 0 to 1, on the test set
 * @property {string} [dataset]
 * @property {string} [split] the part of the data set
 * @property {string} [architecture]
 * @property {number} parameters how many weights the network has
 * @property {number[]} input channels, height and width of what it reads
 * @property {boolean} draws whether it reads drawings
 * @property {boolean} [feedback] whether labelled drawings are kept
 */

/** What the server refused, in its own words. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {number} retryAfter in milliseconds, 0 if it makes no sense to try again
   */
  constructor(status, message, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/**
 * The address of an endpoint, also where the page lies below another path.
 * @param {string} path
 */
export function address(path) {
  return new URL(path, document.baseURI).href;
}

/**
 * @param {Drawing} drawing
 * @param {number} brush the line's width in pad units
 */
export function inputOf(drawing, brush) {
  return drawing.picture
    ? { image: drawing.picture.dataURL }
    : { strokes: rounded(drawing.strokes), width: PAD, height: PAD, brush };
}

/**
 * @param {Drawing} drawing
 * @param {number} brush
 * @param {AbortSignal} signal
 * @returns {Promise<Prediction>}
 */
export async function predict(drawing, brush, signal) {
  const response = await post("api/predict", { ...inputOf(drawing, brush), details: true }, signal);
  return response.json();
}

/**
 * Says what a drawing shows, to be kept as an example to train on.
 * @param {Drawing} drawing
 * @param {number} brush
 * @param {number} label
 * @param {number} prediction
 */
export async function sendFeedback(drawing, brush, label, prediction) {
  await post("api/feedback", { ...inputOf(drawing, brush), label, prediction });
}

/** @returns {Promise<Model>} */
export async function describeModel() {
  const response = await fetch(address("api/model"));
  return (await checked(response)).json();
}

/**
 * @param {string} path
 * @param {unknown} body
 * @param {AbortSignal} [signal]
 */
async function post(path, body, signal) {
  const response = await fetch(address(path), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
  return checked(response);
}

/** @param {Response} response */
async function checked(response) {
  if (response.ok) {
    return response;
  }
  const text = await response.text();
  const busy = response.status === 429 || response.status === 503;
  const seconds = Number(response.headers.get("Retry-After") ?? 1);
  const pause = busy ? Math.min(30, Math.max(0.2, seconds || 1)) * 1000 : 0;
  throw new Refusal(response.status, sentenceOf(text) ?? `${response.status} ${response.statusText}`, pause);
}

/**
 * The sentence in an answer of type application/problem+json.
 * @param {string} text
 * @returns {string | null}
 */
export function sentenceOf(text) {
  try {
    const problem = JSON.parse(text);
    const words = problem?.detail || problem?.title;
    return typeof words === "string" ? asSentence(words) : null;
  } catch {
    return null;
  }
}

/**
 * Errors in programs begin small and end without a full stop.
 * @param {string} words
 */
function asSentence(words) {
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?。！？]$/.test(sentence) ? sentence : `${sentence}.`;
}
