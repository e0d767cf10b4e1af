/**
 * The page of a model that reads rows of numbers: a row is read as soon as one is changed.
 */
import { byId } from "./dom.mjs";
import { accuracyOf, ask, describeModel, onLanguage, setUpLanguages, showAnswer, showProblem, t } from "./samples.mjs";

/** @typedef {import("./samples.mjs").Answer} Answer */
/** @typedef {import("./samples.mjs").Model} Model */

/** Of more columns only the row is there to be changed. */
const MOST_FIELDS = 48;

const row = byId("row", HTMLInputElement);

/** @type {Model | undefined} */
let model;
/** @type {Answer | undefined} */
let answer;
/** @type {HTMLInputElement[]} */
let fields = [];
let asking = false;
let asked = "";

/** @returns {number[]} the numbers of the row; NaN for what is none */
const numbers = () => row.value.split(/[\s,;]+/).filter((text) => text !== "").map(Number);

/** Reads the row as it is now; while that is under way, what is changed then is read next. */
async function read() {
  if (asking || row.value === asked) {
    return;
  }
  asking = true;
  asked = row.value;
  const started = performance.now();
  try {
    const vector = numbers();
    const wrong = vector.findIndex((v) => !Number.isFinite(v));
    const wanted = model?.columns?.length ?? 0;
    answer = undefined;
    if (vector.length > 0 && (wrong >= 0 || vector.length !== wanted)) {
      showProblem(t(wrong >= 0 ? "noNumber" : "wrongCount", { place: wrong + 1, given: vector.length, wanted }));
    } else {
      answer = vector.length === 0 ? undefined : await ask(JSON.stringify({ vector }), { "Content-Type": "application/json" });
      showProblem(undefined);
    }
    show();
    byId("timing", HTMLElement).textContent = answer ? `${Math.round(performance.now() - started)} ms` : "";
  } catch (error) {
    answer = undefined;
    show();
    showProblem(error);
  } finally {
    asking = false;
  }
  void read();
}

const show = () => showAnswer(model, answer, "nothing");

function showModel() {
  byId("about", HTMLElement).textContent = model
    ? t(model.target ? "aboutNumbers" : "aboutVectors", { name: model.name, architecture: model.architecture ?? "", classes: model.classes.length, target: model.target ?? "", accuracy: accuracyOf(model), columns: model.columns?.length ?? 0 })
    : "";
  show();
}

/** Writes a number as short as it can be told from those beside it. @param {number} value @param {number} spread */
function short(value, spread) {
  const places = Math.min(Math.max(1 - Math.floor(Math.log10(spread)), 0), 12);
  return String(Number(value.toFixed(places)));
}

/** Makes a field for each column, with what is usual in it. @param {Model} described */
function makeFields(described) {
  const columns = described.columns ?? [];
  const usual = columns.map(({ mean, std }) => short(mean, std));
  if (row.value === "") {
    row.value = usual.join(", ");
  }
  if (columns.length > MOST_FIELDS) {
    return;
  }
  fields = columns.map(({ name, std }) => {
    const label = document.createElement("label");
    const field = document.createElement("input");
    field.type = "number";
    field.step = String(10 ** Math.floor(Math.log10(std) - 0.5));
    field.addEventListener("input", () => {
      row.value = fields.map((f) => f.value).join(", ");
      void read();
    });
    const text = document.createElement("span");
    text.textContent = name;
    label.append(text, field);
    byId("columns", HTMLElement).append(label);
    return field;
  });
  fill();
}

/** Puts the numbers of the row into the fields. */
function fill() {
  const all = numbers();
  fields.forEach((field, i) => (field.value = Number.isFinite(all[i]) ? String(all[i]) : ""));
}

row.addEventListener("input", () => {
  fill();
  void read();
});
onLanguage(showModel);
setUpLanguages("vectorsTitle");
describeModel().then((described) => {
  model = described;
  makeFields(described);
  showModel();
  void read();
}, showProblem);
