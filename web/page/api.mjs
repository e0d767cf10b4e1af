/**
 * The server's JSON API, as far as this page uses it; where there is none, an engine answers alike.
 */
import { PAD, rounded } from "./drawing.mjs";

/** @typedef {import("./drawing.mjs").Drawing} Drawing */

/**
 * @typedef {object} Prediction
 * @property {string} label
 * @property {number} index
 * @property {number[]} probabilities one for each class, in the model's order
 * @property {number} [number] what the model tells in place of a class
 * @property {boolean} sure
 * @property {boolean} empty
 * @property {ReadDigit[]} [digits] of a number; label is all of them then
 * @property {number} [none] how probable it is that it is no digit
 * @property {number} [left_out] how many pieces of ink are too small for a digit
 * @property {string} [processed] data URL
 * @property {number} [milliseconds] that the server took
 * @property {Step[]} [steps]
 * @property {Features[]} [features]
 * @property {Inside} [inside]
 * @property {{ processed: string, probabilities: number[], label: string }} [tutorial]
 */

/**
 * What the network computed on its way, in base64; see inside.mjs.
 * @typedef {object} Inside
 * @property {string} input
 * @property {string[]} values of each stage
 * @property {string} saliency of each pixel
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
 * @property {string} [target] the number that it tells in place of classes
 * @property {number} [r2] of that, on the test set
 * @property {string} [dataset]
 * @property {string} [split] the part of the data set
 * @property {string} [architecture]
 * @property {number} parameters how many weights the network has
 * @property {number[]} input channels, height and width of what it reads
 * @property {boolean} draws whether it reads drawings
 * @property {boolean} inside whether every stage of it is told
 * @property {boolean} [feedback] whether labelled drawings are kept
 * @property {boolean} [training] whether the server trains networks
 */

/**
 * What answers where there is no server; see engine.mjs.
 * @typedef {object} Local
 * @property {(request: object, signal?: AbortSignal) => Promise<Prediction>} predict
 * @property {() => Promise<{ model: Model, network: any }>} describe
 */

/** @type {Local | null} */
let local = null;

/** @param {Local} engine that answers from now on in place of a server */
export function answerLocally(engine) {
  local = engine;
}

/** Whether there is no server. */
export function isLocal() {
  return local !== null;
}

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
 * @param {string} network the path of the network that reads
 * @returns {Promise<Prediction>}
 */
export async function predict(drawing, brush, signal, network = "api") {
  const request = { ...inputOf(drawing, brush), details: true };
  return local ? local.predict(request, signal) : (await post(`${network}/predict`, request, signal)).json();
}

/**
 * @param {string} image a data URL
 * @param {AbortSignal} signal
 * @returns {Promise<Prediction>}
 */
export async function classify(image, signal) {
  return (await post("api/predict", { image }, signal)).json();
}

/**
 * Says what a drawing shows, to be kept as an example to train on.
 * @param {Drawing} drawing
 * @param {number} brush
 * @param {number | string} label a class by its number, several digits, or "none"
 * @param {number} prediction
 */
export async function sendFeedback(drawing, brush, label, prediction) {
  await post("api/feedback", { ...inputOf(drawing, brush), label, prediction });
}

/**
 * @param {string} network its path
 * @returns {Promise<any>} its stages; see inside.mjs
 */
export async function describeNetwork(network) {
  if (local) {
    return (await local.describe()).network;
  }
  const response = await fetch(address(`${network}/network`));
  return (await checked(response)).json();
}

/**
 * A line of what is told of a training.
 * @typedef {object} TrainingLine
 * @property {"begin" | "loss" | "look" | "end" | "diverged"} event
 * @property {number} pictures that were learned; at begin, that are to be learned
 * @property {number} [loss]
 * @property {number} [accuracy] 0 to 1
 * @property {string} [filters] of the first convolution, in base64
 * @property {number} [seconds]
 * @property {boolean} [whole] whether the time sufficed
 * @property {{ image: string, label: string, read: string }[]} [misread]
 */

/**
 * Trains a network in the server.
 * @param {{ seed: number, lr: number }} settings
 * @param {(line: TrainingLine) => void} told of every line as it comes
 */
export async function trainNetwork(settings, told) {
  const response = await post("api/train", settings);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
    const lines = (text + (value ?? "")).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      told(JSON.parse(line));
    }
    if (done) {
      return;
    }
  }
}

/** @returns {Promise<Model>} */
export async function describeModel() {
  if (local) {
    return (await local.describe()).model;
  }
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
