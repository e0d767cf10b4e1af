/**
 * The page of a model that understands recordings: it records with the microphone, or takes
 * a file, and shows what the network hears of it.
 */
import { byId } from "./dom.mjs";
import { Refusal, accuracyOf, ask, describeModel, onLanguage, setUpLanguages, showAnswer, showProblem, t } from "./samples.mjs";
import { waveFile } from "./wavefile.mjs";

/** @typedef {import("./samples.mjs").Answer} Answer */
/** @typedef {import("./samples.mjs").Model} Model */

/** Seconds after which a recording ends by itself. */
const LONGEST = 10;

const button = byId("record", HTMLButtonElement);
const hint = byId("hint", HTMLElement);

/** @type {Model | undefined} */
let model;
/** @type {Answer | undefined} */
let answer;

/** @param {Blob} file */
async function understand(file) {
  const started = performance.now();
  const form = new FormData();
  form.append("audio", file, "recording.wav");
  form.append("details", "true");
  try {
    answer = await ask(form, {});
    showProblem(undefined);
    byId("timing", HTMLElement).textContent = `${t("clip", { seconds: (answer.seconds ?? 0).toFixed(2), rate: answer.rate ?? 0 })} ${Math.round(performance.now() - started)} ms`;
  } catch (error) {
    answer = undefined;
    byId("timing", HTMLElement).textContent = "";
    showProblem(error);
  }
  show();
}

function show() {
  showAnswer(model, answer, "unheard");
  drawWave(answer?.waveform ?? []);
  const picture = byId("spectrum", HTMLImageElement);
  picture.hidden = !answer?.spectrum;
  if (answer?.spectrum) {
    picture.src = answer.spectrum;
  }
}

/** @param {[number, number][]} wave the least and the largest of parts, -1 to 1 */
function drawWave(wave) {
  const canvas = byId("wave", HTMLCanvasElement);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  context.fillStyle = getComputedStyle(canvas).color;
  const loudest = Math.max(...wave.flat().map(Math.abs), 0.05);
  wave.forEach(([low, high], i) => {
    const top = (height / 2) * (1 - high / loudest);
    const bottom = (height / 2) * (1 - low / loudest);
    context.fillRect((i * width) / wave.length, top, Math.max(width / wave.length - 0.5, 0.5), Math.max(bottom - top, 1));
  });
}

/** What is under way of a recording. @type {{stop: () => void} | undefined} */
let recording;

async function record() {
  if (!window.isSecureContext) {
    showProblem(new Refusal(t("insecure")));
    return;
  }
  if (!navigator.mediaDevices?.getUserMedia || typeof AudioWorkletNode === "undefined") {
    showProblem(new Refusal(t("noMicrophone")));
    return;
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  } catch {
    showProblem(new Refusal(t("refusedMicrophone")));
    return;
  }
  showProblem(undefined);
  const context = new AudioContext();
  await context.audioWorklet.addModule("recorder.mjs");
  const source = context.createMediaStreamSource(stream);
  const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
  /** @type {Float32Array[]} */
  const blocks = [];
  recorder.port.onmessage = ({ data }) => blocks.push(data);
  source.connect(recorder);
  const stop = () => {
    if (recording === undefined) {
      return;
    }
    recording = undefined;
    clearTimeout(end);
    source.disconnect();
    stream.getTracks().forEach((track) => track.stop());
    const rate = context.sampleRate;
    void context.close();
    showRecording();
    void understand(waveFile(blocks, rate));
  };
  const end = setTimeout(stop, 1000 * LONGEST);
  recording = { stop };
  showRecording();
}

function showRecording() {
  button.setAttribute("aria-pressed", String(recording !== undefined));
  button.textContent = t(recording ? "stop" : "record");
  hint.textContent = t(recording ? "recording" : "recordHint");
}

button.addEventListener("click", () => {
  if (recording) {
    recording.stop();
  } else {
    void record();
  }
});

const chooser = byId("file", HTMLInputElement);
byId("choose", HTMLButtonElement).addEventListener("click", () => chooser.click());
chooser.addEventListener("change", () => {
  const file = chooser.files?.[0];
  if (file) {
    void understand(file);
  }
  chooser.value = ""; // the same file can be chosen again
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  const file = event.dataTransfer?.files[0];
  if (file) {
    void understand(file);
  }
});

function showModel() {
  byId("about", HTMLElement).textContent = model
    ? t(model.target ? "aboutMeasuredRecordings" : "aboutRecordings", { target: model.target ?? "", name: model.name, architecture: model.architecture ?? "", list: model.classes.slice(0, 20).join(", "), accuracy: accuracyOf(model), seconds: model.seconds ?? 0 })
    : "";
  showRecording();
  show();
  if (!window.isSecureContext) {
    hint.textContent = t("insecure");
  }
}

onLanguage(showModel);
setUpLanguages("recordingsTitle");
describeModel().then((described) => {
  model = described;
  showModel();
}, showProblem);
