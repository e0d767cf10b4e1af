/**
 * The page for networks that read pictures of any kind: a picture is chosen, dropped or
 * pasted, and the likeliest classes appear.
 */
import { Refusal, address, classify, describeModel } from "./api.mjs";
import { byId, make } from "./dom.mjs";
import { Speaker } from "./language.mjs";
import { dataURLOf, decode, fitting, show } from "./pictures.mjs";
import { runnersUp } from "./probabilities.mjs";
import { percent, quantity } from "./translations.mjs";

/** @typedef {import("./api.mjs").Prediction} Prediction */

/** How many classes are shown. */
const CLASSES = 5;

/** The longer side of the picture on the page, in pixels of its canvas. */
const SHOWN = 640;

const announcement = byId("announcement", HTMLElement);
const problem = byId("problem", HTMLElement);
const words = byId("words", HTMLElement);
const bars = byId("bars", HTMLOListElement);
const processed = byId("processed", HTMLCanvasElement);
const picture = byId("picture", HTMLCanvasElement);

/** @type {import("./api.mjs").Model | null} */
let model = null;
/** @type {Prediction | null} */
let shown = null;
/** @type {"noPicture" | "looking" | "unread" | "answered"} */
let state = "noPicture";

const speaker = new Speaker("picturesTitle", () => {
  announcement.textContent = ""; // it is in the other language
  describe();
});
const { t } = speaker;

/** Says in words and bars what is known. */
function describe() {
  const number = shown?.number;
  const rows = shown && model && !shown.empty && number === undefined ? runnersUp(shown.probabilities, model.classes).slice(0, CLASSES) : [];
  bars.replaceChildren(
    ...rows.map(({ label, probability }, i) => {
      const bar = make("span", "bar");
      bar.style.setProperty("--share", String(probability));
      return make("li", i === 0 ? "likeliest" : "", make("span", "label", label), bar, make("span", "share", percent(probability)));
    }),
  );
  const [first] = rows;
  words.dataset["state"] = state;
  if (state !== "answered") {
    words.textContent = t(state);
  } else if (number !== undefined) {
    words.textContent = t("toldPicture", { target: model?.target ?? "", number: quantity(speaker.language, number) });
  } else if (!first) {
    words.textContent = t("blankPicture");
  } else {
    words.textContent = t(shown?.sure ? "surePicture" : "unsurePicture", { label: first.label, percent: percent(first.probability) });
  }
  byId("timing", HTMLElement).textContent = shown?.milliseconds ? t("lookedIn", { server: shown.milliseconds.toFixed(1) }) : "";
  if (!model) {
    return;
  }
  const [, height = 0, width = 0] = model.input;
  byId("seen-note", HTMLElement).textContent = t("seenPictureNote", { height, width });
  processed.setAttribute("aria-label", shown ? t("seenPictureLabel", { height, width }) : t("processedEmpty"));
  byId("model", HTMLElement).textContent = speaker.about(model);
}

/** @param {unknown} error */
function showProblem(error) {
  problem.textContent = error instanceof Refusal ? error.message : t("noAnswer");
  problem.hidden = false;
  announcement.textContent = problem.textContent;
}

let asking = new AbortController();

/** @param {File | undefined} file */
async function take(file) {
  if (!file) {
    return;
  }
  asking.abort(); // what came before does not count any more
  asking = new AbortController();
  const { signal } = asking;
  problem.hidden = true;
  shown = null;
  if (file.type && !file.type.startsWith("image/")) {
    state = "noPicture";
    describe();
    showProblem(new Refusal(0, t("notPicture", { name: file.name }), 0));
    return;
  }
  state = "looking";
  describe();
  try {
    // The server may know formats that the browser does not: it decides.
    const bitmap = await createImageBitmap(file).catch(() => null);
    showGiven(bitmap);
    const dataURL = await dataURLOf(await fitting(file, bitmap)).catch(() => {
      throw new Refusal(0, t("unreadable", { name: file.name }), 0);
    });
    const prediction = await classify(dataURL, signal);
    const seen = prediction.processed ? await decode(prediction.processed) : null;
    if (signal.aborted) {
      return;
    }
    if (seen) {
      show(processed, seen);
    }
    shown = prediction;
    state = "answered";
    describe();
    announcement.textContent = words.textContent;
  } catch (error) {
    if (!signal.aborted) {
      state = "unread";
      describe();
      showProblem(error);
    }
  }
}

/** @param {ImageBitmap | null} bitmap null where the browser cannot show the picture */
function showGiven(bitmap) {
  picture.hidden = !bitmap;
  byId("unseen-picture", HTMLElement).hidden = bitmap !== null;
  if (bitmap) {
    const scale = Math.min(1, SHOWN / Math.max(bitmap.width, bitmap.height));
    picture.width = Math.ceil(bitmap.width * scale);
    picture.height = Math.ceil(bitmap.height * scale);
    picture.getContext("2d")?.drawImage(bitmap, 0, 0, picture.width, picture.height);
  }
}

const chooser = byId("file", HTMLInputElement);
byId("upload", HTMLButtonElement).addEventListener("click", () => chooser.click());
chooser.addEventListener("change", () => {
  void take(chooser.files?.[0]);
  chooser.value = ""; // the same file can be chosen again
});
document.addEventListener("paste", (event) => {
  const file = event.clipboardData?.files[0];
  if (file) {
    event.preventDefault();
    void take(file);
  }
});
document.addEventListener("dragover", (event) => {
  event.preventDefault(); // otherwise the browser would open the file in our place
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) {
    document.body.classList.remove("dropping");
  }
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  void take(event.dataTransfer?.files[0]);
});

byId("command", HTMLElement).textContent = `curl ${address("api/predict")} -F image=@picture.jpg`;
speaker.translate();
try {
  model = await describeModel();
  if (model.target) {
    bars.hidden = true;
    speaker.reword("picturesTitle", { picturesTagline: "measuresTagline", classesTitle: "numberTold" });
  }
  describe();
} catch (error) {
  showProblem(error);
}
