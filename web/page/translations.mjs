/**
 * Every word of the page, in the languages it speaks. {names} are filled in.
 */

const english = {
  title: "Inkling reads digits as you draw them",
  tagline: "A sketchpad that reads a digit while you draw it.",
  drawTitle: "Draw",
  padLabel: "Drawing pad",
  invitation: "Draw a digit here",
  dropHere: "Drop the picture here",
  padHint: "Arrow keys move the cross, the space bar puts the pen down and lifts it.",
  toolsLabel: "Tools",
  undo: "Undo",
  redo: "Redo",
  eraser: "Eraser",
  clear: "Clear",
  upload: "Picture",
  brush: "Line width",
  helpTitle: "Keyboard, pen and pictures",
  keysCaption: "Keys while the pad has the focus",
  keyMove: "move the cross; two together go diagonally, as do Home, End, Page Up and Page Down",
  keyFine: "with a direction: a finer step",
  keyPen: "put the pen down, lift it",
  keyLift: "lift the pen",
  keyEraser: "eraser on and off",
  keyClear: "clear the pad",
  keyBrush: "thinner, thicker line",
  keyUndo: "undo, anywhere on the page",
  keyRedo: "redo, anywhere on the page; also Ctrl Shift Z",
  keyPaste: "paste a picture",
  penHelp:
    "A pen draws with its pressure and erases with its other end; while it is near, the resting hand is ignored. Pictures can also be dropped on the page. A stroke drawn over a picture starts a new drawing; undo brings the picture back.",
  seenTitle: "What it sees",
  seenNote: "The drawing as 28 × 28 grey pixels, made like the pictures the network was trained on.",
  processedEmpty: "Nothing yet",
  processedLabel: "The processed picture, 28 by 28 pixels",
  readTitle: "What it reads",
  empty: "The pad is empty.",
  unread: "It could not be read.",
  blank: "There is no ink in this picture.",
  sure: "Sure: {percent}",
  unsure: "Not sure. Perhaps {first} ({percent}), perhaps {second} ({secondPercent}).",
  unsureAlone: "Not sure. Perhaps {first} ({percent}).",
  unsureNumber: "Not sure of every digit: at least {percent}.",
  none: "Perhaps none of these: no digit, {percent}.",
  leftOut: "Left out as too small: {count}.",
  spokenSure: "It reads {label}, {percent} sure.",
  barsLabel: "Probability of each answer",
  timing: "Read in {server} ms; {page} ms from stroke to answer.",
  feedbackTitle: "Was it right?",
  right: "Yes",
  wrong: "No",
  labelsTitle: "Which one did you draw?",
  thanks: "Thank you. The drawing is kept, labelled “{label}”, to train on.",
  stepsTitle: "From drawing to 28 × 28, step by step",
  stepsEmpty: "Each step appears here as you draw.",
  stepLabel: "The picture after this step: {name}",
  stepRange: "{name}: {black}\u00a0to\u00a0{white}",
  featuresTitle: "Inside the network",
  featuresNote: "What each filter of the first two convolutions finds in the picture: the brighter, the stronger.",
  featuresEmpty: "The feature maps appear here as you draw.",
  featuresLabel: "{name}: {maps} feature maps",
  tutorialTitle: "As in the tutorial",
  tutorialNote: "The whole pad shrunk to 28 × 28: what is small or off-centre stays so.",
  agree: "Read as {label} too ({percent})",
  disagree: "Read as {label} ({percent})",
  programTitle: "Use it from a program",
  programNote: "These lines send a seven to this very server and print what it reads.",
  openapi: "The whole API (OpenAPI)",
  tabsLabel: "Programming language",
  copy: "Copy",
  copied: "Copied",
  copyFailed: "The browser does not allow copying here; select the lines instead.",
  model: "The network: {about}.",
  modelParameters: "{parameters} parameters",
  picturesOnly: "This network reads pictures of {width} × {height} pixels with {channels} channels, and this page is for drawings. Programs can send it pictures of any size:",
  modelDataset: "trained on {dataset}",
  folder: "a folder of pictures",
  modelAccuracy: "{percent} right on its test set",
  offline: "The server does not answer. Is it still running? The next stroke tries again.",
  retrying: "Trying again in {seconds} s.",
  notPicture: "“{name}” is not a picture. Choose a PNG, JPEG, WebP, GIF or BMP file.",
  unreadable: "“{name}” could not be read from the disk. Choose it again.",
  penDown: "Pen down.",
  penUp: "Pen up.",
  place: "Column {column}, row {row} of 20.",
  eraserOn: "Eraser on.",
  eraserOff: "Eraser off.",
};

/** @typedef {keyof typeof english} TextKey */

/** @type {Record<TextKey, string>} */
const chinese = {
  title: "Inkling：边写边认的手写数字",
  tagline: "一块手写板：数字还没写完，它已经在认。",
  drawTitle: "书写",
  padLabel: "手写板",
  invitation: "在这里写一个数字",
  dropHere: "把图片放到这里",
  padHint: "方向键移动十字，空格键落笔和抬笔。",
  toolsLabel: "工具",
  undo: "撤销",
  redo: "重做",
  eraser: "橡皮",
  clear: "清除",
  upload: "图片",
  brush: "画笔大小",
  helpTitle: "键盘、手写笔与图片",
  keysCaption: "焦点在手写板上时的按键",
  keyMove: "移动十字；同时按两个键走斜线，Home、End、Page Up、Page Down 也走斜线",
  keyFine: "与方向键同按：小步移动",
  keyPen: "落笔、抬笔",
  keyLift: "抬笔",
  keyEraser: "打开或关闭橡皮",
  keyClear: "清除手写板",
  keyBrush: "笔画变细、变粗",
  keyUndo: "撤销（页面任何位置）",
  keyRedo: "重做（页面任何位置），也可按 Ctrl Shift Z",
  keyPaste: "粘贴图片",
  penHelp:
    "手写笔有压感，笔尾是橡皮；笔在附近时，搁在屏幕上的手不会误画。图片也可以拖放到页面上。在图片上落笔会开始新的书写，撤销可找回图片。",
  seenTitle: "网络看到的图像",
  seenNote: "把笔迹变成 28 × 28 的灰度像素，处理方式与训练集一致。",
  processedEmpty: "还没有图像",
  processedLabel: "处理后的图像，28 × 28 像素",
  readTitle: "预测结果",
  empty: "手写板是空的。",
  unread: "未能识别。",
  blank: "这张图片里没有笔迹。",
  sure: "确定：{percent}",
  unsure: "不确定。可能是 {first}（{percent}），也可能是 {second}（{secondPercent}）。",
  unsureAlone: "不确定。可能是 {first}（{percent}）。",
  unsureNumber: "不是每一位都确定：至少 {percent}。",
  none: "可能都不是：不像数字，{percent}。",
  leftOut: "太小而略去的笔迹：{count}。",
  spokenSure: "预测结果：{label}，把握 {percent}。",
  barsLabel: "每个答案的概率",
  timing: "识别用时 {server} 毫秒；从落笔到出结果 {page} 毫秒。",
  feedbackTitle: "认对了吗？",
  right: "对",
  wrong: "不对",
  labelsTitle: "你写的是哪一个？",
  thanks: "谢谢。这幅字已作为“{label}”保存，可用于训练。",
  stepsTitle: "从笔迹到 28 × 28，一步一步",
  stepsEmpty: "书写时，每一步的图像会显示在这里。",
  stepLabel: "这一步之后的图像：{name}",
  stepRange: "{name}：{black} 到 {white}",
  featuresTitle: "网络内部",
  featuresNote: "前两个卷积层的每个滤波器在图像中找到了什么：越亮，响应越强。",
  featuresEmpty: "书写时，特征图会显示在这里。",
  featuresLabel: "{name}：{maps} 个特征图",
  tutorialTitle: "教程的做法",
  tutorialNote: "把整块画板缩小到 28 × 28：写得小或偏，图像里也小或偏。",
  agree: "也认作 {label}（{percent}）",
  disagree: "认作 {label}（{percent}）",
  programTitle: "通过 API 使用",
  programNote: "这几行程序把一个“7”发给这台服务器，并打印识别结果。",
  openapi: "完整的 API 说明（OpenAPI）",
  tabsLabel: "编程语言",
  copy: "复制",
  copied: "已复制",
  copyFailed: "浏览器不允许在这里复制，请手动选中这几行。",
  model: "网络：{about}。",
  modelParameters: "{parameters} 个参数",
  picturesOnly: "这个网络读取 {width} × {height} 像素、{channels} 个通道的图片，而本页面用于手写。程序可以向它发送任意大小的图片：",
  modelDataset: "用 {dataset} 训练",
  folder: "文件夹中的图片",
  modelAccuracy: "测试集正确率 {percent}",
  offline: "服务器没有应答。它还在运行吗？下一笔会再试一次。",
  retrying: "{seconds} 秒后重试。",
  notPicture: "“{name}”不是图片。请选择 PNG、JPEG、WebP、GIF 或 BMP 文件。",
  unreadable: "无法从磁盘读取“{name}”，请重新选择。",
  penDown: "落笔。",
  penUp: "抬笔。",
  place: "共 20 格：第 {column} 列，第 {row} 行。",
  eraserOn: "橡皮已打开。",
  eraserOff: "橡皮已关闭。",
};

/** @typedef {"en" | "zh"} Language */

/** @type {Readonly<Record<Language, { name: string, tag: string, texts: Record<TextKey, string> }>>} */
export const LANGUAGES = {
  en: { name: "English", tag: "en", texts: english },
  zh: { name: "中文", tag: "zh-Hans", texts: chinese },
};

/**
 * What the server calls the steps of its preprocessing.
 * @type {Readonly<Record<Language, Readonly<Record<string, string>>>>}
 */
const STEPS = {
  en: { drawing: "Drawing", invert: "Invert", crop: "Crop", scale: "Scale", centre: "Centre", blur: "Blur", transpose: "Transpose", normalise: "Normalise" },
  zh: { drawing: "笔迹", invert: "反色", crop: "裁剪", scale: "缩放", centre: "居中", blur: "模糊", transpose: "转置", normalise: "归一化" },
};

/**
 * The name of a step as people of that language know it; one that is not known
 * stays as the server calls it.
 * @param {Language} language
 * @param {string} name
 */
export function stepName(language, name) {
  return STEPS[language][name] ?? name;
}

/** @type {Readonly<Record<string, string>>} */
const DATASETS = { mnist: "MNIST", emnist: "EMNIST", "fashion-mnist": "Fashion-MNIST", kmnist: "KMNIST", qmnist: "QMNIST" };

/**
 * @param {Language} language
 * @param {string} name as the model's metadata has it
 * @param {string} split the part of the data set, "" if it has none
 */
export function datasetName(language, name, split) {
  if (name === "folder") {
    return text(language, "folder");
  }
  return (DATASETS[name] ?? name) + (split ? ` (${split})` : "");
}

/**
 * The first language of the reader's that the page speaks, else English.
 * @param {readonly string[]} tags in order of preference, as in navigator.languages
 * @returns {Language}
 */
export function chooseLanguage(tags) {
  for (const tag of tags) {
    const primary = tag.toLowerCase().split("-")[0];
    if (primary === "en" || primary === "zh") {
      return primary;
    }
  }
  return "en";
}

/**
 * @param {Language} language
 * @param {TextKey} key
 * @param {Readonly<Record<string, string | number>>} [values] for the {names} in the text
 */
export function text(language, key, values = {}) {
  return LANGUAGES[language].texts[key].replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * A number for people: with two places at most, and a real minus.
 * @param {number} value
 */
export function number(value) {
  return String(Math.round(value * 100) / 100).replace("-", "−");
}

/**
 * A probability for people: never 100 %, for a doubt is always left.
 * @param {number} probability 0 to 1
 */
export function percent(probability) {
  const value = probability * 100;
  if (value >= 99.95) {
    return ">\u00a099.9\u00a0%";
  }
  return `${value.toFixed(1)}\u00a0%`;
}
