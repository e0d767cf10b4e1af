/**
 * Every word of the page, in the languages it speaks. {names} are filled in.
 */

const english = {
  title: "Inkling reads digits as you draw them",
  tagline: "A sketchpad that reads a digit while you draw it.",
  drawingsTitle: "Inkling reads what you draw",
  drawingsTagline: "A sketchpad that reads what you draw while you draw it.",
  drawTitle: "Draw",
  padLabel: "Drawing pad",
  invitation: "Draw a digit here",
  drawHere: "Draw here",
  exampleShown: "An example: draw over it",
  examplesLabel: "Examples",
  exampleThree: "Example: a three",
  exampleNumber: "Example: the number 25",
  exampleUntidy: "Example: an untidy four",
  exampleLetter: "Example: the letter A",
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
  before: "Before processing",
  beforeLabel: "The drawing before processing",
  after: "After processing: 28 × 28 pixels",
  saliency: "What counts: blue for the answer, orange against it",
  saliencyLabel: "Which pixels speak for the answer and which against it",
  saliencyNumber: "What counts: blue makes the number larger, orange smaller",
  processedEmpty: "Nothing yet",
  processedLabel: "The processed picture, 28 by 28 pixels",
  readTitle: "What it reads",
  empty: "The pad is empty.",
  unread: "It could not be read.",
  loading: "The network is being loaded…",
  blank: "There is no ink in this picture.",
  sure: "Sure: {percent}",
  unsure: "Not sure. Perhaps {first} ({percent}), perhaps {second} ({secondPercent}).",
  unsureAlone: "Not sure. Perhaps {first} ({percent}).",
  unsureNumber: "Not sure of every digit: at least {percent}.",
  none: "Perhaps none of these: no digit, {percent}.",
  leftOut: "Left out as too small: {count}.",
  spokenSure: "It reads {label}, {percent} sure.",
  spokenNumber: "{target}: it reads {number}.",
  barsLabel: "Probability of each answer",
  timing: "Read in {server} ms; {page} ms from stroke to answer.",
  feedbackTitle: "Was it right?",
  right: "Yes",
  wrong: "No",
  labelsTitle: "Which one did you draw?",
  numberTitle: "Which number did you write?",
  send: "Send",
  somethingElse: "Something else",
  thanksNone: "Thank you. The drawing is kept as none of these.",
  thanks: "Thank you. The drawing is kept, labelled “{label}”, to train on.",
  stepsTitle: "From drawing to 28 × 28, step by step",
  stepsEmpty: "Each step appears here as you draw.",
  stepLabel: "The picture after this step: {name}",
  stepRange: "{name}: {black}\u00a0to\u00a0{white}",
  featuresTitle: "The network, live",
  stagesLabel: "The stages of the network",
  stageInput: "input",
  stageMap: "Map",
  stageNumber: "Number",
  stageRow: "Row",
  stageColumn: "Column",
  stageMapLabel: "{name}: map {map}, enlarged",
  stageListLabel: "{name}: all numbers, enlarged",
  mapCell: "{name}, map {map}, row {row}, column {column}: {value}",
  listCell: "{name}, number {map}: {value}",
  opInput: "The picture as the network gets it: one number for each pixel.",
  opConvolution: "A convolution: one filter of {size} weights for each map slides over what comes before. Each number is the sum of the products of weights and what lies below them.",
  opReLU: "ReLU: what is below zero becomes zero, the rest passes.",
  opPooling: "Pooling: of each {size} numbers only the largest goes on. The maps shrink, and small shifts no longer matter.",
  opFlatten: "Flatten: the maps become one long list, map by map, row by row.",
  opLinear: "A linear layer: each number is a sum over the whole list before it, each times a weight of its own.",
  opOther: "The operation {name}.",
  sourceInputs: "It looks at",
  sourceWeights: "Its weights",
  sourceProducts: "The products",
  sumOf: "The sum of {count} products is {sum}; with the bias {bias} that is {value}.",
  largestOf: "The largest of {count}: {value}.",
  reluOf: "{before} comes in, {value} goes out.",
  flattenOf: "Number {number} is row {row}, column {column} of map {map}: {value}.",
  colours: "White is above zero, orange below, black zero. Point at a number, or move the sliders, to see where it comes from.",
  featuresNote: "What each filter of the first two convolutions finds in the picture: the brighter, the stronger.",
  featuresEmpty: "The feature maps appear here as you draw.",
  featuresLabel: "{name}: {maps} feature maps",
  tutorialTitle: "As in the tutorial",
  agree: "reads {label} too ({percent})",
  disagree: "reads {label} ({percent})",
  trainingTitle: "Train a network in front of you",
  trainingNote: "The tutorial's LeNet begins with random weights and learns MNIST's 60,000 digits twice, in this server, in some seconds. Then it reads your drawing.",
  trainingSeed: "Seed",
  trainingRate: "Learning rate",
  trainingStart: "Train",
  trainingChart: "The loss while the network learns",
  trainingLoss: "Loss",
  trainingFilters: "The six filters of conv1",
  trainingFiltersLabel: "The six filters of the first convolution",
  trainingBegun: "It begins.",
  trainingRuns: "{pictures} of {all} pictures learned; {percent} of the first 1,000 test pictures read correctly.",
  trainingDone: "Trained in {seconds} s: it reads {percent} of the test pictures correctly.",
  trainingCut: "Its time was up after {pictures} pictures: it reads {percent} of the test pictures correctly.",
  trainingDiverged: "Its numbers grew beyond all bounds after {pictures} pictures: the learning rate is too high. Try a smaller one.",
  trainingBroken: "The training broke off.",
  misreadWords: "Read wrong most surely: what it is → what it reads",
  misreadLabel: "A {label} that is read as {read}",
  whichTitle: "Your drawing is read by",
  whichServed: "the network that is served",
  whichTrained: "the one you trained",
  programTitle: "Use it from a program",
  programNote: "These lines send a seven to this very server and print what it reads.",
  openapi: "The whole API (OpenAPI)",
  tabsLabel: "Programming language",
  copy: "Copy",
  copied: "Copied",
  copyFailed: "The browser does not allow copying here; select the lines instead.",
  model: "The network: {about}.",
  modelParameters: "{parameters} parameters",
  modelDataset: "trained on {dataset}",
  folder: "a folder of pictures",
  modelAccuracy: "{percent} right on its test set",
  modelTarget: "tells the number {target}",
  modelR2: "R² {share} on its test set",
  offline: "The server does not answer. Is it still running? The next stroke tries again.",
  engineFailed: "The network could not be loaded. Load the page again.",
  retrying: "Trying again in {seconds} s.",
  notPicture: "“{name}” is not a picture. Choose a PNG, JPEG, WebP, GIF or BMP file.",
  unreadable: "“{name}” could not be read from the disk. Choose it again.",
  penDown: "Pen down.",
  penUp: "Pen up.",
  place: "Column {column}, row {row} of 20.",
  eraserOn: "Eraser on.",
  eraserOff: "Eraser off.",
  picturesTitle: "Inkling tells what a picture shows",
  picturesTagline: "Show it a picture: it tells the likeliest classes.",
  pictureTitle: "Picture",
  choosePicture: "Choose a picture",
  pictureHint: "or drop one here, or paste one with Ctrl V",
  givenLabel: "The picture that was chosen",
  givenUnseen: "This browser cannot show the picture, but the server may read it.",
  seenPictureNote: "The picture as the network reads it: {width} × {height} pixels.",
  seenPictureLabel: "The processed picture, {width} by {height} pixels",
  measuresTagline: "Show it a picture: it tells a number.",
  classesTitle: "What it shows",
  numberTold: "The number",
  toldPicture: "{target}: {number}",
  noPicture: "There is no picture yet.",
  looking: "Looking ...",
  blankPicture: "There is nothing on this picture.",
  classesLabel: "The likeliest classes and their probabilities",
  surePicture: "{label}: {percent}",
  unsurePicture: "Not sure. Perhaps {label} ({percent}).",
  lookedIn: "Looked at in {server} ms.",
  picturesProgramNote: "This line sends a picture of any size to this very server.",
  noAnswer: "The server does not answer. Is it still running? Choose the picture again.",
};

/** @typedef {keyof typeof english} TextKey */

/** @type {Record<TextKey, string>} */
const chinese = {
  title: "Inkling：边写边认的手写数字",
  tagline: "一块手写板：数字还没写完，它已经在认。",
  drawingsTitle: "Inkling：边画边认",
  drawingsTagline: "一块手写板：还没画完，它已经在认。",
  drawTitle: "书写",
  padLabel: "手写板",
  invitation: "在这里写一个数字",
  drawHere: "在这里画",
  exampleShown: "这是示例：直接在上面写",
  examplesLabel: "示例",
  exampleThree: "示例：数字 3",
  exampleNumber: "示例：数 25",
  exampleUntidy: "示例：写得潦草的 4",
  exampleLetter: "示例：字母 A",
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
  before: "处理前的图像",
  beforeLabel: "处理前的图像，即笔迹本身",
  after: "处理后的图像（28 × 28）",
  saliency: "关键像素：蓝色支持答案，橙色反对",
  saliencyLabel: "哪些像素支持答案，哪些反对答案",
  saliencyNumber: "关键像素：蓝色使数变大，橙色使数变小",
  processedEmpty: "还没有图像",
  processedLabel: "处理后的图像，28 × 28 像素",
  readTitle: "预测结果",
  empty: "手写板是空的。",
  unread: "未能识别。",
  loading: "正在加载网络……",
  blank: "这张图片里没有笔迹。",
  sure: "确定：{percent}",
  unsure: "不确定。可能是 {first}（{percent}），也可能是 {second}（{secondPercent}）。",
  unsureAlone: "不确定。可能是 {first}（{percent}）。",
  unsureNumber: "不是每一位都确定：至少 {percent}。",
  none: "可能都不是：不像数字，{percent}。",
  leftOut: "太小而略去的笔迹：{count}。",
  spokenSure: "预测结果：{label}，把握 {percent}。",
  spokenNumber: "{target}：预测结果 {number}。",
  barsLabel: "每个答案的概率",
  timing: "识别用时 {server} 毫秒；从落笔到出结果 {page} 毫秒。",
  feedbackTitle: "认对了吗？",
  right: "对",
  wrong: "不对",
  labelsTitle: "你写的是哪一个？",
  numberTitle: "你写的是哪个数？",
  send: "发送",
  somethingElse: "都不是",
  thanksNone: "谢谢。这幅字已作为“都不是”保存。",
  thanks: "谢谢。这幅字已作为“{label}”保存，可用于训练。",
  stepsTitle: "从笔迹到 28 × 28，一步一步",
  stepsEmpty: "书写时，每一步的图像会显示在这里。",
  stepLabel: "这一步之后的图像：{name}",
  stepRange: "{name}：{black} 到 {white}",
  featuresTitle: "实时看网络内部",
  stagesLabel: "网络的各层",
  stageInput: "输入",
  stageMap: "特征图",
  stageNumber: "第几个数",
  stageRow: "行",
  stageColumn: "列",
  stageMapLabel: "{name}：特征图 {map}（放大）",
  stageListLabel: "{name}：全部数值（放大）",
  mapCell: "{name}，特征图 {map}，第 {row} 行第 {column} 列：{value}",
  listCell: "{name}，第 {map} 个数：{value}",
  opInput: "网络得到的图像：每个像素一个数。",
  opConvolution: "卷积：每个特征图有一个 {size} 的滤波器，在上一层上滑动；每个数是权重与其下方数值的乘积之和。",
  opReLU: "ReLU：小于零的变成零，其余不变。",
  opPooling: "池化：每 {size} 个数只留最大的一个。图变小了，轻微的移动也就不再重要。",
  opFlatten: "展平：把所有特征图一张接一张、一行接一行地排成一个长列表。",
  opLinear: "线性层：每个数都是上一层整个列表的加权和，每一项各有自己的权重。",
  opOther: "运算 {name}（操作）。",
  sourceInputs: "它看到的",
  sourceWeights: "它的权重",
  sourceProducts: "乘积",
  sumOf: "{count} 个乘积之和为 {sum}，加上偏置 {bias}，得 {value}。",
  largestOf: "{count} 个数中最大的：{value}。",
  reluOf: "输入 {before}，输出 {value}。",
  flattenOf: "第 {number} 个数就是特征图 {map} 的第 {row} 行第 {column} 列：{value}。",
  colours: "白色大于零，橙色小于零，黑色为零。指向任意一个数，或移动滑块，就能看到它从哪里来。",
  featuresNote: "前两个卷积层的每个滤波器在图像中找到了什么：越亮，响应越强。",
  featuresEmpty: "书写时，特征图会显示在这里。",
  featuresLabel: "{name}：{maps} 个特征图",
  tutorialTitle: "教程的做法",
  agree: "也认作 {label}（{percent}）",
  disagree: "认作 {label}（{percent}）",
  trainingTitle: "当面训练一个网络",
  trainingNote: "教程里的 LeNet 从随机权重开始，就在这台服务器上把 MNIST 的 6 万个数字学两遍，只要几秒钟；然后由它来认你写的字。",
  trainingSeed: "随机种子",
  trainingRate: "学习率",
  trainingStart: "开始训练",
  trainingChart: "学习过程中的损失",
  trainingLoss: "损失",
  trainingFilters: "conv1 的六个滤波器",
  trainingFiltersLabel: "第一个卷积层的六个滤波器",
  trainingBegun: "训练开始。",
  trainingRuns: "已学 {pictures} 张，共 {all} 张；前 1,000 张测试图片认对 {percent}。",
  trainingDone: "用 {seconds} 秒训练完毕：测试图片认对 {percent}。",
  trainingCut: "时间用完，学了 {pictures} 张：测试图片认对 {percent}。",
  trainingDiverged: "学了 {pictures} 张之后，数值失控：学习率太大了，请换小一点的。",
  trainingBroken: "训练中断了。",
  misreadWords: "错得最有把握的：本来是 → 认成",
  misreadLabel: "本来是 {label}，被认作 {read}",
  whichTitle: "由谁来认你写的字：",
  whichServed: "正在服务的网络",
  whichTrained: "你刚训练的网络",
  programTitle: "通过 API 使用",
  programNote: "这几行程序把一个“7”发给这台服务器，并打印识别结果。",
  openapi: "完整的 API 说明（OpenAPI）",
  tabsLabel: "编程语言",
  copy: "复制",
  copied: "已复制",
  copyFailed: "浏览器不允许在这里复制，请手动选中这几行。",
  model: "网络：{about}。",
  modelParameters: "{parameters} 个参数",
  modelDataset: "用 {dataset} 训练",
  folder: "文件夹中的图片",
  modelAccuracy: "测试集正确率 {percent}",
  modelTarget: "给出数 {target}",
  modelR2: "测试集 R² {share}",
  offline: "服务器没有应答。它还在运行吗？下一笔会再试一次。",
  engineFailed: "网络加载失败，请重新打开页面。",
  retrying: "{seconds} 秒后重试。",
  notPicture: "“{name}”不是图片。请选择 PNG、JPEG、WebP、GIF 或 BMP 文件。",
  unreadable: "无法从磁盘读取“{name}”，请重新选择。",
  penDown: "落笔。",
  penUp: "抬笔。",
  place: "共 20 格：第 {column} 列，第 {row} 行。",
  eraserOn: "橡皮已打开。",
  eraserOff: "橡皮已关闭。",
  picturesTitle: "Inkling：看图识别",
  picturesTagline: "给它一张图片，它说出最可能的类别。",
  pictureTitle: "图片",
  choosePicture: "选择图片",
  pictureHint: "也可以把图片拖放到这里，或按 Ctrl V 粘贴",
  givenLabel: "所选的图片",
  givenUnseen: "浏览器无法显示这张图片，但服务器也许能读取。",
  seenPictureNote: "网络读到的图片：{width} × {height} 像素。",
  seenPictureLabel: "处理后的图片，{width} × {height} 像素",
  measuresTagline: "给它一张图片，它给出一个数。",
  classesTitle: "图片的内容",
  numberTold: "给出的数",
  toldPicture: "{target} 为 {number}",
  noPicture: "还没有图片。",
  looking: "正在识别……",
  blankPicture: "这张图片上什么也没有。",
  classesLabel: "最可能的类别及其概率",
  surePicture: "最可能是 {label}：{percent}",
  unsurePicture: "不确定。可能是 {label}（{percent}）。",
  lookedIn: "识别用时 {server} 毫秒。",
  picturesProgramNote: "这一行把任意大小的图片发给这台服务器。",
  noAnswer: "服务器没有应答。它还在运行吗？请重新选择图片。",
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
 * A number that a model tells, for people: six digits of it.
 * @param {Language} language
 * @param {number} value
 */
export function quantity(language, value) {
  return new Intl.NumberFormat(LANGUAGES[language].tag, { maximumSignificantDigits: 6 }).format(value);
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
