/**
 * Inkling's page: puts the pad, the server and the views together.
 */
import { AnswerView } from "./answer.mjs";
import { Refusal, describeModel, isLocal, predict } from "./api.mjs";
import { byId } from "./dom.mjs";
import { EXAMPLES, setUpExamples } from "./examples.mjs";
import { FeedbackView } from "./feedback.mjs";
import { anywhereCommand } from "./keyboard.mjs";
import { Speaker } from "./language.mjs";
import { Live } from "./live.mjs";
import { NetworkView } from "./network.mjs";
import { Pad } from "./pad.mjs";
import { dataURLOf, fitting } from "./pictures.mjs";
import { setUpProgramPanel } from "./program.mjs";
import { TrainingView } from "./training.mjs";

/** What is announced waits until the drawing has rested this long, in milliseconds. */
const REST = 700;

const speaker = new Speaker("title", () => {
  announcement.textContent = ""; // it is in the other language
  answerView.relabel();
  networkView.relabel();
  trainingView.relabel();
  feedbackView.relabel();
  showModel();
});
const { t } = speaker;

const announcement = byId("announcement", HTMLElement);
/** @type {ReturnType<typeof setTimeout> | undefined} */
let announcing;

/**
 * Tells a screen reader, once things have come to rest.
 * @param {() => string} words
 */
function announceAtRest(words) {
  clearTimeout(announcing);
  announcing = setTimeout(() => (announcement.textContent = words()), REST);
}

/** @param {string} words */
function announce(words) {
  clearTimeout(announcing);
  announcement.textContent = words;
}

// The answer.

/** @type {import("./api.mjs").Model | null} */
let model = null;
/** Whether what it tells apart are the digits. */
let digitsOnly = true;
const digits = Array.from({ length: 10 }, (_, i) => String(i));

const answerView = new AnswerView(t, () => speaker.language);
answerView.classes = digits;
const feedbackView = new FeedbackView(t, showProblem);
const networkView = new NetworkView(t, announceAtRest);

/** The path of the network that reads: the served one, or the one trained here. */
let reader = "api";
const trainingView = new TrainingView(t, showProblem, async (trained) => {
  reader = trained ? "api/trained" : "api";
  await networkView.load(reader);
  if (!pad.isEmpty) {
    pad.changedAt = performance.now(); // as if it was drawn now
    live.request();
  }
});

const problem = byId("problem", HTMLElement);

/** @param {unknown} error */
function showProblem(error) {
  const refused = error instanceof Refusal;
  const retry = refused && error.retryAfter > 0;
  const words = [refused ? error.message : t(isLocal() ? "engineFailed" : "offline")];
  if (retry) {
    words.push(t("retrying", { seconds: Math.ceil(error.retryAfter / 1000) }));
  }
  problem.textContent = words.join(" ");
  problem.hidden = false;
  announce(problem.textContent);
}

const live = new Live({
  latest: () => ({ drawing: pad.drawing, brush: pad.brush, changedAt: pad.changedAt }),
  send: ({ drawing, brush }, signal) => predict(drawing, brush, signal, reader),
  answered: (prediction, { drawing, brush, changedAt }) => {
    problem.hidden = true;
    void answerView.show(prediction);
    networkView.show(prediction.inside ?? null);
    const number = prediction.digits?.map(({ label }) => label).join("") ?? null;
    feedbackView.ask(prediction.empty || drawing.example || reader !== "api" ? null : { drawing, brush, index: prediction.index, number });
    announceAtRest(() => answerView.spoken);
    requestAnimationFrame(() => measure(changedAt));
  },
  failed: (error) => {
    showProblem(error);
    const pause = error instanceof Refusal ? error.retryAfter : 0;
    if (pause === 0) {
      // The last answer is not to what is on the pad now.
      answerView.showNothing("unread");
      networkView.show(null);
      feedbackView.ask(null);
    }
    return pause;
  },
  frame: (callback) => void requestAnimationFrame(callback),
  later: (callback, milliseconds) => void setTimeout(callback, milliseconds),
  now: () => performance.now(),
});

/**
 * Measures from the change of the drawing to the frame that shows its answer;
 * the browser's performance tools show it too.
 * @param {number} changedAt
 */
function measure(changedAt) {
  performance.clearMeasures("stroke to answer");
  const { duration } = performance.measure("stroke to answer", { start: changedAt });
  answerView.showTiming(duration);
}

// The pad.

const brush = byId("brush", HTMLInputElement);
const pad = new Pad(byId("pad", HTMLCanvasElement), {
  brush: { min: Number(brush.min), max: Number(brush.max), step: Number(brush.step), value: Number(brush.value) },
  changed: () => {
    invite();
    if (!pad.isEmpty) {
      live.request();
      return;
    }
    live.cancel();
    problem.hidden = true;
    answerView.showNothing("empty");
    networkView.show(null);
    feedbackView.ask(null);
    announceAtRest(() => answerView.spoken);
  },
  toolsChanged: showTools,
  penMoved: (pen) => announce(t(pen)),
  crossMoved: (place) => announceAtRest(() => t("place", place)),
});

/** Says on the pad what it is for. */
function invite() {
  const invitation = byId("invitation", HTMLElement);
  const { example } = pad.drawing;
  invitation.hidden = !pad.isEmpty && !example;
  invitation.classList.toggle("over-example", Boolean(example));
  const words = example ? "exampleShown" : digitsOnly ? "invitation" : "drawHere";
  invitation.dataset["text"] = words;
  invitation.textContent = t(words);
}

setUpExamples(byId("examples", HTMLElement), (example) => pad.showExample(example));

const tools = {
  undo: byId("undo", HTMLButtonElement),
  redo: byId("redo", HTMLButtonElement),
  clear: byId("clear", HTMLButtonElement),
  eraser: byId("eraser", HTMLButtonElement),
};

function showTools() {
  // A button that is disabled outright would lose the focus under the hand.
  tools.undo.setAttribute("aria-disabled", String(!pad.canUndo));
  tools.redo.setAttribute("aria-disabled", String(!pad.canRedo));
  tools.clear.setAttribute("aria-disabled", String(pad.isEmpty));
  tools.eraser.setAttribute("aria-pressed", String(pad.erasing));
  brush.value = String(pad.brush);
}

tools.undo.addEventListener("click", () => pad.undo());
tools.redo.addEventListener("click", () => pad.redo());
tools.clear.addEventListener("click", () => pad.clear());
tools.eraser.addEventListener("click", () => {
  pad.erasing = !pad.erasing;
  announce(t(pad.erasing ? "eraserOn" : "eraserOff"));
});
brush.addEventListener("input", () => (pad.brush = Number(brush.value)));

document.addEventListener("keydown", (event) => {
  const command = anywhereCommand(event);
  if (command) {
    event.preventDefault();
    pad[command.action]();
  }
});

// Pictures: chosen, pasted, dropped.

/** @param {File | undefined} file */
async function takePicture(file) {
  if (!file) {
    return;
  }
  const name = file.name;
  if (file.type && !file.type.startsWith("image/")) {
    showProblem(new Refusal(0, t("notPicture", { name }), 0));
    return;
  }
  try {
    // The server may know formats that the browser does not: it decides.
    const bitmap = await createImageBitmap(file).catch(() => null);
    pad.place({ dataURL: await dataURLOf(await fitting(file, bitmap)), bitmap });
  } catch {
    showProblem(new Refusal(0, t("unreadable", { name }), 0));
  }
}

const chooser = byId("file", HTMLInputElement);
byId("upload", HTMLButtonElement).addEventListener("click", () => chooser.click());
chooser.addEventListener("change", () => {
  void takePicture(chooser.files?.[0]);
  chooser.value = ""; // the same file can be chosen again
});

document.addEventListener("paste", (event) => {
  const file = event.clipboardData?.files[0];
  if (file) {
    event.preventDefault();
    void takePicture(file);
  }
});

const frame = byId("pad-frame", HTMLElement);
document.addEventListener("dragover", (event) => {
  event.preventDefault(); // otherwise the browser would open the file in our place
  frame.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) {
    frame.classList.remove("dropping");
  }
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  frame.classList.remove("dropping");
  void takePicture(event.dataTransfer?.files[0]);
});

// The model.

function showModel() {
  if (model) {
    byId("model", HTMLElement).textContent = speaker.about(model);
  }
}

speaker.translate();
showTools();
const writePrograms = setUpProgramPanel(t, announce);
if (isLocal()) {
  answerView.showNothing("loading");
}
try {
  model = await describeModel();
  if (pad.isEmpty) {
    answerView.showNothing("empty");
  }
  digitsOnly = !model.target && model.classes.join() === digits.join();
  if (!digitsOnly) {
    speaker.reword("drawingsTitle", { tagline: "drawingsTagline", invitation: "drawHere", ...(model.target ? { saliency: "saliencyNumber" } : {}) });
  }
  if (model.target) {
    answerView.target = model.target;
    writePrograms(true);
  } else {
    answerView.classes = model.classes;
  }
  if (model.feedback) {
    feedbackView.enable(model.classes);
  }
  showModel();
  byId("examples", HTMLElement).hidden = !digitsOnly;
  byId("network", HTMLElement).hidden = !model.inside;
  byId("maps", HTMLElement).hidden = model.inside;
  byId("bars", HTMLElement).hidden = byId("tutorial-figure", HTMLElement).hidden = Boolean(model.target);
  byId("training", HTMLElement).hidden = !(model.training && model.inside && digitsOnly);
  byId("saliency-figure", HTMLElement).hidden = !model.inside;
  if (model.inside) {
    await networkView.load("api");
  }
  if (digitsOnly && model.draws && EXAMPLES[0]) {
    pad.begin(EXAMPLES[0]);
  }
} catch (error) {
  showProblem(error);
}
