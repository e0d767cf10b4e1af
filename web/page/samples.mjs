/**
 * What the pages for texts, for recordings and for vectors share: the languages, the server, the answer.
 */
import { byId } from "./dom.mjs";
import { LANGUAGES, chooseLanguage, percent, quantity } from "./translations.mjs";

/** @typedef {"en" | "zh"} Language */

/**
 * @typedef {object} Answer
 * @property {string} label
 * @property {number} index
 * @property {number[]} probabilities
 * @property {number} [number] what a model tells in place of a class
 * @property {boolean} sure
 * @property {boolean} empty
 * @property {number} [cut]
 * @property {number} [unknown]
 * @property {{token: string, known: boolean, support: number}[]} [tokens]
 * @property {number} [seconds]
 * @property {number} [rate]
 * @property {number} [channels]
 * @property {[number, number][]} [waveform]
 * @property {string} [spectrum]
 */

/**
 * @typedef {object} Model
 * @property {string} name
 * @property {string} [architecture]
 * @property {string[]} classes
 * @property {number} [accuracy]
 * @property {string} [target] the number that it tells in place of classes
 * @property {number} [r2] of that in its test
 * @property {{name: string, mean: number, std: number}[]} [columns]
 * @property {number} parameters
 * @property {number} [length]
 * @property {string} [tokenizer]
 * @property {number} [rate]
 * @property {number} [seconds]
 */

/** @type {Record<string, Record<Language, string>>} */
const WORDS = {
  textsTitle: { en: "Inkling reads what you write", zh: "Inkling：边写边读" },
  recordingsTitle: { en: "Inkling understands what you say", zh: "Inkling：听懂你说的词" },
  vectorsTitle: { en: "Inkling reads a row of numbers", zh: "Inkling：读一行数" },
  vectorsTagline: { en: "Change a number, and the answer follows.", zh: "改一个数，结果随之而变。" },
  numbersTitle: { en: "The numbers", zh: "数" },
  rowLabel: { en: "The whole row, with commas between", zh: "整行，用逗号分隔" },
  noNumber: { en: "Number {place} of the row is none. Write numbers with a decimal point and commas between.", zh: "这一行的第 {place} 个不是数。请用小数点，并以逗号分隔。" },
  wrongCount: { en: "The row has {given} numbers, and the model reads {wanted}.", zh: "这一行有 {given} 个数，而模型读取 {wanted} 个。" },
  aboutVectors: { en: "{name}: {architecture}, tells {classes} classes apart{accuracy}; it reads {columns} numbers. Those it begins with are the means of its training.", zh: "{name}：{architecture}，区分 {classes} 个类别{accuracy}；读取 {columns} 个数。开始时是训练数据的平均值。" },
  aboutNumbers: { en: "{name}: {architecture}, tells the number {target}{accuracy}; it reads {columns} numbers. Those it begins with are the means of its training.", zh: "{name}：{architecture}，给出数 {target}{accuracy}；读取 {columns} 个数。开始时是训练数据的平均值。" },
  r2: { en: ", R² {share} in its test", zh: "，测试 R² 为 {share}" },
  textsTagline: { en: "A text is read while you write it.", zh: "一边写，一边读懂它。" },
  recordingsTagline: { en: "Say one of the words that it knows.", zh: "说一个它认识的词。" },
  write: { en: "Write", zh: "写" },
  writeLabel: { en: "The text to be read", zh: "要读的文字" },
  writeHint: { en: "Write or paste a text here", zh: "在这里写或粘贴一段文字" },
  answerTitle: { en: "The answer", zh: "结果" },
  nothing: { en: "There is nothing to read yet.", zh: "还没有可读的内容。" },
  unheard: { en: "There is nothing to hear yet.", zh: "还没有可听的内容。" },
  oddsLabel: { en: "Probability of each class", zh: "各类别的概率" },
  wordsTitle: { en: "The words that made it", zh: "起作用的词" },
  wordsNote: {
    en: "Every filter of the network counts where it finds its phrase best. Underlined and filled words speak for the answer, the fuller the more; those with dots speak against it; those in brackets it has never seen.",
    zh: "网络的每个滤波器只取它匹配得最好的位置。带下划线和底色的词支持这个结果，颜色越深作用越大；带点线的词反对它；括号里的词它从未见过。",
  },
  speak: { en: "Speak", zh: "说" },
  record: { en: "Record", zh: "录音" },
  stop: { en: "Stop and understand", zh: "停止并识别" },
  chooseFile: { en: "Take a file", zh: "选择文件" },
  recordHint: { en: "Press, say a word, press again; or drop a WAV or FLAC file on the page.", zh: "按下按钮，说一个词，再按一次；也可以把 WAV 或 FLAC 文件拖到页面上。" },
  insecure: {
    en: "Browsers give the microphone to pages of this machine and to pages by https only, and this page came by http from elsewhere. Open it as http://localhost, or put the server behind https. Files can be taken all the same.",
    zh: "浏览器只允许本机页面或 https 页面使用麦克风，而本页是从别处通过 http 打开的。请用 http://localhost 打开，或让服务器通过 https 提供。文件仍然可以使用。",
  },
  noMicrophone: { en: "This browser cannot record here: it has no microphone, or no AudioWorklet. Files can be taken all the same.", zh: "此浏览器不能在这里录音：没有麦克风，或不支持 AudioWorklet。文件仍然可以使用。" },
  refusedMicrophone: { en: "The browser was not allowed to use the microphone. Allow it for this page, or take a file.", zh: "浏览器没有获准使用麦克风。请为本页允许，或选择文件。" },
  recording: { en: "Recording …", zh: "正在录音……" },
  heardTitle: { en: "What it hears", zh: "它听到的" },
  waveLabel: { en: "Waveform", zh: "波形" },
  waveNote: { en: "The waveform: the part that is read.", zh: "波形：被读取的那一段。" },
  spectrumLabel: { en: "Spectrogram that the network reads", zh: "网络读取的声谱图" },
  spectrumNote: {
    en: "What the network reads: time from left to right, pitches from low to high as the ear tells them apart, light where it is loud.",
    zh: "网络读取的内容：从左到右是时间，从低到高是人耳分辨的音高，越亮声音越大。",
  },
  unsure: { en: "perhaps {label}", zh: "可能是 {label}" },
  aboutTexts: { en: "{name}: {architecture}, tells {classes} classes apart{accuracy}; it reads {length} tokens of a text.", zh: "{name}：{architecture}，区分 {classes} 个类别{accuracy}；读取一段文字的前 {length} 个词元。" },
  aboutMeasuredTexts: { en: "{name}: {architecture}, tells the number {target}{accuracy}; it reads {length} tokens of a text.", zh: "{name}：{architecture}，给出数 {target}{accuracy}；读取一段文字的前 {length} 个词元。" },
  aboutMeasuredRecordings: { en: "{name}: {architecture}, tells the number {target}{accuracy}; it hears {seconds} s.", zh: "{name}：{architecture}，给出数 {target}{accuracy}；听 {seconds} 秒。" },
  aboutRecordings: { en: "{name}: {architecture}, knows {list}{accuracy}; it hears {seconds} s.", zh: "{name}：{architecture}，认识 {list}{accuracy}；听 {seconds} 秒。" },
  accuracy: { en: ", {share} right in its test", zh: "，测试准确率 {share}" },
  cut: { en: "The last {cut} tokens were not read.", zh: "最后 {cut} 个词元没有读取。" },
  clip: { en: "{seconds} s at {rate} samples a second.", zh: "{seconds} 秒，每秒 {rate} 个采样。" },
  offline: { en: "The server does not answer. Is it still running?", zh: "服务器没有回应。它还在运行吗？" },
};

/** @type {Language} */
let language = /** @type {Language} */ (chooseLanguage([remembered(), ...navigator.languages].filter((tag) => tag !== null)));

/** @returns {string | null} the language chosen here before */
function remembered() {
  try {
    return localStorage.getItem("language");
  } catch {
    return null; // storage is forbidden in this browser
  }
}

/**
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  return /** @type {Record<Language, string>} */ (WORDS[key])[language].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Called when the language changes. @type {(() => void)[]} */
const listeners = [];

/** @param {() => void} listener */
export function onLanguage(listener) {
  listeners.push(listener);
}

/**
 * Puts the page into the chosen language, now and whenever the button is pressed.
 * @param {string} title
 */
export function setUpLanguages(title) {
  const button = byId("language", HTMLButtonElement);
  const translate = () => {
    document.documentElement.lang = LANGUAGES[language].tag;
    document.title = t(title);
    for (const [attribute, set] of /** @type {[string, (e: Element, text: string) => void][]} */ ([
      ["data-text", (e, text) => (e.textContent = text)],
      ["data-label", (e, text) => e.setAttribute("aria-label", text)],
      ["data-hint", (e, text) => e.setAttribute("placeholder", text)],
      ["data-alt", (e, text) => e.setAttribute("alt", text)],
    ])) {
      for (const element of document.querySelectorAll(`[${attribute}]`)) {
        set(element, t(/** @type {string} */ (element.getAttribute(attribute))));
      }
    }
    const other = language === "zh" ? "en" : "zh";
    button.textContent = LANGUAGES[other].name;
    button.lang = LANGUAGES[other].tag;
    listeners.forEach((listener) => listener());
  };
  button.addEventListener("click", () => {
    language = language === "zh" ? "en" : "zh";
    try {
      localStorage.setItem("language", language);
    } catch {
      // The choice then holds until the page is closed.
    }
    translate();
  });
  translate();
}

/** A refusal by the server, with its words. */
export class Refusal extends Error {}

/**
 * @param {BodyInit} body
 * @param {Record<string, string>} headers
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer>}
 */
export async function ask(body, headers, signal) {
  /** @type {Response} */
  let response;
  for (let attempt = 0; ; attempt++) {
    response = await fetch("api/predict", { method: "POST", body, headers, signal });
    if (response.status !== 503 || attempt === 3) {
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000 * Number(response.headers.get("Retry-After") ?? 1)));
  }
  const answer = await response.json();
  if (!response.ok) {
    throw new Refusal(answer.detail ?? response.statusText);
  }
  return answer;
}

/** @returns {Promise<Model>} */
export async function describeModel() {
  return (await fetch("api/model")).json();
}

const problem = byId("problem", HTMLElement);

/** @param {unknown} error a sentence or what was thrown; nothing takes the last problem away */
export function showProblem(error) {
  problem.hidden = error === undefined;
  problem.textContent = error === undefined ? "" : typeof error === "string" ? error : error instanceof Refusal ? error.message : t("offline");
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let announcing;

/**
 * Shows the answer: in words, and how probable the classes are, the eight most probable of
 * many.
 * @param {Model | undefined} model
 * @param {Answer | undefined} answer
 * @param {string} empty what is said where there is none
 */
export function showAnswer(model, answer, empty) {
  const words = byId("answer", HTMLElement);
  const odds = byId("odds", HTMLElement);
  const none = !model || !answer || answer.empty;
  if (!none && answer.number !== undefined) {
    words.dataset.state = "sure";
    words.textContent = `${model.target ?? ""} ${quantity(language, answer.number)}`;
    clearTimeout(announcing);
    announcing = setTimeout(() => (byId("announcement", HTMLElement).textContent = words.textContent), 700);
    odds.replaceChildren();
    return;
  }
  words.dataset.state = none || !answer.sure ? "unsure" : "sure";
  words.textContent = none ? t(empty) : answer.sure ? answer.label : t("unsure", { label: answer.label });
  clearTimeout(announcing);
  announcing = setTimeout(() => (byId("announcement", HTMLElement).textContent = none ? "" : `${words.textContent} ${percent(answer.probabilities[answer.index] ?? 0)}`), 700);
  if (none) {
    odds.replaceChildren();
    return;
  }
  const most = 8;
  let order = answer.probabilities.map((_, i) => i);
  if (order.length > most) {
    order = order.sort((a, b) => (answer.probabilities[b] ?? 0) - (answer.probabilities[a] ?? 0)).slice(0, most);
  }
  odds.replaceChildren(
    ...order.map((i) => {
      const row = document.createElement("li");
      const name = document.createElement("span");
      name.className = "name";
      name.textContent = name.title = model.classes[i] ?? "";
      const bar = document.createElement("span");
      bar.className = "track";
      const filled = document.createElement("span");
      filled.style.width = `${100 * (answer.probabilities[i] ?? 0)}%`;
      bar.append(filled);
      const share = document.createElement("span");
      share.className = "share";
      share.textContent = percent(answer.probabilities[i] ?? 0);
      row.append(name, bar, share);
      return row;
    }),
  );
}

/** @param {Model} model */
export function accuracyOf(model) {
  if (model.r2) {
    return t("r2", { share: model.r2.toFixed(3) });
  }
  return model.accuracy ? t("accuracy", { share: percent(model.accuracy) }) : "";
}
