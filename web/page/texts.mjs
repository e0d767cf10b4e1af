/**
 * The page of a model that reads texts: what is written is read at once.
 */
import { byId } from "./dom.mjs";
import { accuracyOf, ask, describeModel, onLanguage, setUpLanguages, showAnswer, showProblem, t } from "./samples.mjs";

/** @typedef {import("./samples.mjs").Answer} Answer */
/** @typedef {import("./samples.mjs").Model} Model */

const box = byId("text", HTMLTextAreaElement);

/** @type {Model | undefined} */
let model;
/** @type {Answer | undefined} */
let answer;
let asking = false;
let asked = "";

/** Reads what is in the box now; while that is under way, what is written then is read next. */
async function read() {
  if (asking || box.value === asked) {
    return;
  }
  asking = true;
  asked = box.value;
  const started = performance.now();
  try {
    answer = asked.trim() === "" ? undefined : await ask(JSON.stringify({ text: asked, details: true }), { "Content-Type": "application/json" });
    showProblem(undefined);
    show();
    byId("timing", HTMLElement).textContent = answer && !answer.empty ? `${Math.round(performance.now() - started)} ms` : "";
  } catch (error) {
    answer = undefined;
    show();
    showProblem(error);
  } finally {
    asking = false;
  }
  void read();
}

function show() {
  showAnswer(model, answer, "nothing");
  const place = byId("tokens", HTMLElement);
  const tokens = answer?.tokens ?? [];
  const most = Math.max(...tokens.map((token) => token.support), 0);
  const parts = [];
  for (const { token, known, support } of tokens) {
    const word = document.createElement("span");
    word.textContent = known ? token : `(${token})`;
    word.title = support.toFixed(2);
    if (most > 0 && support >= 0.6 * most) {
      word.className = "for most";
    } else if (most > 0 && support >= 0.2 * most) {
      word.className = "for";
    } else if (most > 0 && support <= -0.2 * most) {
      word.className = "against";
    }
    parts.push(word, model?.tokenizer === "characters" ? "\u200b" : " ");
  }
  if (answer?.cut) {
    parts.push(t("cut", { cut: answer.cut }));
  }
  place.replaceChildren(...parts);
}

function showModel() {
  byId("about", HTMLElement).textContent = model
    ? t(model.target ? "aboutMeasuredTexts" : "aboutTexts", { target: model.target ?? "", name: model.name, architecture: model.architecture ?? "", classes: model.classes.length, accuracy: accuracyOf(model), length: model.length ?? 0 })
    : "";
  show();
}

box.addEventListener("input", () => void read());
onLanguage(showModel);
setUpLanguages("textsTitle");
describeModel().then((described) => {
  model = described;
  showModel();
  void read(); // the browser may have kept a text
}, showProblem);
