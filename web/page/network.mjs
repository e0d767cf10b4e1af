/**
 * "The network, live": every stage from the picture to the answer, and where each number
 * in it comes from.
 */
import { describeNetwork } from "./api.mjs";
import { byId, make } from "./dom.mjs";
import { fieldsOf, floats, largestOf, mapsOf, networkOf, sourceOf, unflatten, within } from "./inside.mjs";
import { contextOf } from "./pictures.mjs";

/** @typedef {import("./answer.mjs").Translate} Translate */
/** @typedef {import("./api.mjs").Inside} Inside */
/** @typedef {import("./inside.mjs").Cell} Cell */
/** @typedef {import("./inside.mjs").Field} Field */
/** @typedef {import("./inside.mjs").Network} Network */
/** @typedef {import("./inside.mjs").Source} Source */
/** @typedef {import("./inside.mjs").Stage} Stage */
/** @typedef {import("./translations.mjs").TextKey} TextKey */

/** @type {Readonly<Record<string, TextKey>>} what is said of an operation */
const OPERATIONS = {
  input: "opInput",
  conv2d: "opConvolution",
  relu: "opReLU",
  maxpool2d: "opPooling",
  flatten: "opFlatten",
  linear: "opLinear",
};

/** How high outlines are painted, in pixels; the style sheet makes it half. */
const HEIGHT = 192;

/**
 * How a stage's numbers lie in its picture: maps as tiles a pixel apart, a list row by row.
 * @typedef {object} Layout
 * @property {boolean} list
 * @property {number} columns of tiles, or of numbers of a list
 * @property {number} width of the whole, in numbers
 * @property {number} height
 * @property {number} scale pixels for each
 */

/** @typedef {{ tab: HTMLButtonElement, canvas: HTMLCanvasElement, over: HTMLCanvasElement, layout: Layout }} Shown a stage in the strip */

/**
 * @param {Stage} stage
 * @param {number | null} only one map of it
 * @param {number} size how high it is painted
 * @returns {Layout}
 */
function layoutOf(stage, only, size) {
  const [maps, height, width] = mapsOf(stage);
  const list = stage.shape.length === 1;
  const count = only === null || list ? maps : 1;
  const columns = list ? divisor(count, (d) => count / d <= 32) : divisor(count, (d) => d * (d + 1) >= count / 2 && d * d <= count);
  const rows = Math.ceil(count / columns);
  const all = list ? { width: columns, height: rows } : { width: columns * (width + 1) - 1, height: rows * (height + 1) - 1 };
  return { list, columns, ...all, scale: Math.max(1, Math.round(size / all.height)) };
}

/**
 * The smallest divisor that will do, or else the smallest number of columns that is near.
 * @param {number} count
 * @param {(divisor: number) => boolean} will
 */
function divisor(count, will) {
  for (let d = 1; d <= count; d++) {
    if (count % d === 0 && will(d)) {
      return d;
    }
  }
  return Math.max(1, Math.floor(Math.sqrt(count)));
}

/**
 * White where a number is large, orange where it is far below zero, black at zero.
 * @param {Uint8ClampedArray} pixels
 * @param {number} at
 * @param {number} share −1 to 1
 */
function colour(pixels, at, share) {
  const bright = 255 * Math.abs(share);
  pixels[at] = bright;
  pixels[at + 1] = share < 0 ? 0.6 * bright : bright;
  pixels[at + 2] = share < 0 ? 0.1 * bright : bright;
  pixels[at + 3] = 255;
}

/**
 * Paints a stage, or one map of it.
 * @param {HTMLCanvasElement} canvas
 * @param {Stage} stage
 * @param {Float32Array | null} values
 * @param {Layout} layout
 * @param {number | null} only
 */
function paintStage(canvas, stage, values, layout, only) {
  const [maps, height, width] = mapsOf(stage);
  const image = new ImageData(layout.width, layout.height);
  const scale = values ? largestOf(values) || 1 : 1;
  for (let map = 0; map < maps; map++) {
    if (only !== null && !layout.list && map !== only) {
      continue;
    }
    const tile = only !== null && !layout.list ? 0 : map;
    for (let i = 0; i < height * width; i++) {
      const x = layout.list ? tile % layout.columns : (tile % layout.columns) * (width + 1) + (i % width);
      const y = layout.list ? Math.floor(tile / layout.columns) : Math.floor(tile / layout.columns) * (height + 1) + Math.floor(i / width);
      colour(image.data, 4 * (y * layout.width + x), (values?.[map * height * width + i] ?? 0) / scale);
    }
  }
  resize(canvas, layout.width, layout.height);
  contextOf(canvas).putImageData(image, 0, 0);
}

/**
 * Gives a canvas its size, unless it has it: that would lay the page out anew.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
function resize(canvas, width, height) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
}

/**
 * Paints maps of numbers, as a stage's.
 * @param {HTMLCanvasElement} canvas
 * @param {readonly [number, number, number]} shape
 * @param {Float32Array} values
 */
export function paintMaps(canvas, shape, values) {
  /** @type {Stage} */
  const stage = { name: "", operation: "", shape, settings: {}, parameters: {} };
  paintStage(canvas, stage, values, layoutOf(stage, null, HEIGHT), null);
}

/**
 * Outlines part of a stage, on a canvas that lies over its picture.
 * @param {HTMLCanvasElement} canvas
 * @param {Stage} stage
 * @param {Layout} layout
 * @param {Field | undefined} field
 * @param {number | null} only
 */
function outline(canvas, stage, layout, field, only) {
  canvas.width = layout.width * layout.scale;
  canvas.height = layout.height * layout.scale;
  if (!field) {
    return;
  }
  const context = contextOf(canvas);
  const [maps, height, width] = mapsOf(stage);
  const { scale, columns } = layout;
  context.strokeStyle = getComputedStyle(canvas).caretColor;
  context.lineWidth = Math.max(2, scale / 3);
  const from = field.map ?? 0;
  const to = field.map ?? maps - 1;
  if (layout.list && field.map === null) {
    context.strokeRect(1, 1, canvas.width - 2, canvas.height - 2);
    return;
  }
  for (let map = from; map <= to; map++) {
    if (only !== null && !layout.list && map !== only) {
      continue;
    }
    const tile = only !== null && !layout.list ? 0 : map;
    const stepX = layout.list ? 1 : width + 1;
    const stepY = layout.list ? 1 : height + 1;
    const [top, bottom] = (layout.list ? null : field.rows) ?? [0, height - 1];
    const [left, right] = (layout.list ? null : field.columns) ?? [0, width - 1];
    const x = (tile % columns) * stepX + Math.max(0, left);
    const y = Math.floor(tile / columns) * stepY + Math.max(0, top);
    const w = Math.min(right, width - 1) - Math.max(0, left) + 1;
    const h = Math.min(bottom, height - 1) - Math.max(0, top) + 1;
    context.strokeRect(x * scale, y * scale, w * scale, h * scale);
  }
}

/**
 * The cell under the pointer.
 * @param {PointerEvent | MouseEvent} event
 * @param {HTMLCanvasElement} canvas
 * @param {Stage} stage
 * @param {Layout} layout
 * @param {number | null} only
 * @returns {Cell}
 */
function cellUnder(event, canvas, stage, layout, only) {
  const box = canvas.getBoundingClientRect();
  const x = Math.floor(((event.clientX - box.left) / box.width) * layout.width);
  const y = Math.floor(((event.clientY - box.top) / box.height) * layout.height);
  const [, height, width] = mapsOf(stage);
  if (layout.list) {
    return within(stage, { map: y * layout.columns + Math.min(x, layout.columns - 1), row: 0, column: 0 });
  }
  const map = Math.floor(y / (height + 1)) * layout.columns + Math.floor(x / (width + 1));
  return within(stage, { map: only ?? map, row: y % (height + 1), column: x % (width + 1) });
}

export class NetworkView {
  #t;
  #announce;
  /** @type {Network | null} */
  #network = null;
  /** @type {readonly (Float32Array | null)[]} */
  #values = [];
  /** @type {Float32Array | null} the picture as people see it: 0 is no ink, 1 all ink */
  #inked = null;
  /** @type {Shown[]} */
  #strip = [];
  /** The stage that is looked at closely, and the cell. */
  #chosen = 1;
  /** @type {Cell} */
  #cell = { map: 0, row: 12, column: 12 };
  /** @type {{ index: number, cell: Cell } | null} */
  #hovered = null;

  #tabs = byId("stages", HTMLElement);
  #panel = byId("stage-panel", HTMLElement);
  #map = byId("stage-map", HTMLCanvasElement);
  #mapOutline = byId("stage-map-outline", HTMLCanvasElement);
  #sliders = {
    map: byId("stage-map-number", HTMLInputElement),
    row: byId("stage-row", HTMLInputElement),
    column: byId("stage-column", HTMLInputElement),
  };

  /**
   * @param {Translate} t
   * @param {(words: () => string) => void} announce tells a screen reader, at rest
   */
  constructor(t, announce) {
    this.#t = t;
    this.#announce = announce;
    for (const slider of Object.values(this.#sliders)) {
      slider.addEventListener("input", () => this.#slide());
    }
    const point = (/** @type {PointerEvent} */ event) => {
      const stage = this.#stage;
      if (stage) {
        this.#choose(this.#chosen, cellUnder(event, this.#map, stage, this.#closeLayout(stage), this.#cell.map));
      }
    };
    this.#map.addEventListener("pointermove", point);
    this.#map.addEventListener("pointerdown", point);
  }

  /**
   * Asks for the network and makes room for its stages.
   * @param {string} path of the API that tells of it
   */
  async load(path) {
    this.#network = networkOf(await describeNetwork(path));
    const { stages } = this.#network;
    this.#values = stages.map(() => null);
    this.#strip = stages.map((stage, index) => {
      const canvas = make("canvas", "pixels");
      const over = make("canvas", "outline");
      const tab = make("button", "stage", make("span", "map", canvas, over), make("span", "name"), make("span", "shape", stage.shape.join("×")));
      tab.type = "button";
      tab.setAttribute("role", "tab");
      tab.id = `stage-${index}`;
      tab.setAttribute("aria-controls", "stage-panel");
      const layout = layoutOf(stage, null, HEIGHT);
      tab.addEventListener("click", (event) => {
        // By keyboard there is no place.
        this.#choose(index, event.detail === 0 ? within(stage, this.#cell) : cellUnder(event, canvas, stage, layout, null));
      });
      tab.addEventListener("keydown", (event) => this.#move(event, index));
      canvas.addEventListener("pointermove", (event) => {
        this.#hovered = { index, cell: cellUnder(event, canvas, stage, layout, null) };
        this.#outline();
      });
      canvas.addEventListener("pointerleave", () => {
        this.#hovered = null;
        this.#outline();
      });
      return { tab, canvas, over, layout };
    });
    this.#tabs.replaceChildren(...this.#strip.map(({ tab }) => tab));
    this.#choose(Math.min(this.#chosen, stages.length - 1), this.#cell, false);
    this.#paint();
  }

  /** @param {Inside | null} inside what the network computed; null if it was not asked */
  show(inside) {
    const { stages } = this.#network ?? { stages: [] };
    this.#values = inside ? [inside.input, ...inside.values].map(floats) : stages.map(() => null);
    const { ground, ink } = this.#network ?? { ground: 0, ink: 1 };
    this.#inked = this.#values[0]?.map((value) => (value - ground) / (ink - ground)) ?? null;
    this.#paint();
  }

  /** Writes all words again, in the language that is chosen now. */
  relabel() {
    this.#paint();
  }

  get #stage() {
    return this.#network?.stages[this.#chosen];
  }

  /** @param {Stage} stage */
  #closeLayout(stage) {
    return layoutOf(stage, this.#cell.map, 2 * HEIGHT);
  }

  /** @param {number} index */
  #painted(index) {
    return index === 0 ? this.#inked : (this.#values[index] ?? null);
  }

  /**
   * @param {KeyboardEvent} event
   * @param {number} index
   */
  #move(event, index) {
    const count = this.#strip.length;
    const next = { ArrowRight: index + 1, ArrowLeft: index - 1 + count, Home: 0, End: count - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      this.#choose(next % count, this.#cell);
      this.#strip[next % count]?.tab.focus();
    }
  }

  #slide() {
    const { map, row, column } = this.#sliders;
    this.#choose(this.#chosen, { map: Number(map.value) - 1, row: Number(row.value) - 1, column: Number(column.value) - 1 });
  }

  /**
   * @param {number} index of a stage
   * @param {Cell} cell
   * @param {boolean} aloud whether a screen reader is told
   */
  #choose(index, cell, aloud = true) {
    const stage = this.#network?.stages[index];
    if (!stage) {
      return;
    }
    this.#chosen = index;
    this.#cell = within(stage, cell);
    this.#strip.forEach(({ tab }, i) => {
      tab.setAttribute("aria-selected", String(i === index));
      tab.tabIndex = i === index ? 0 : -1;
    });
    this.#panel.setAttribute("aria-labelledby", `stage-${index}`);
    this.#outline();
    this.#paintClose();
    if (aloud) {
      this.#announce(() => this.#cellWords(index, this.#cell));
    }
  }

  #paint() {
    this.#network?.stages.forEach((stage, i) => {
      const { tab, canvas, layout } = /** @type {Shown} */ (this.#strip[i]);
      paintStage(canvas, stage, this.#painted(i), layout, null);
      const name = tab.querySelector(".name");
      if (name && name.textContent !== this.#nameOf(stage)) {
        name.textContent = this.#nameOf(stage);
      }
    });
    this.#readOut();
    this.#paintClose();
  }

  /** What the reader points at, or else what is chosen. */
  get #pointed() {
    return this.#hovered ?? { index: this.#chosen, cell: this.#cell };
  }

  /** Outlines it, and what it sees of the stages before. */
  #outline() {
    if (this.#network) {
      const fields = fieldsOf(this.#network, this.#pointed.index, this.#pointed.cell);
      this.#network.stages.forEach((stage, i) => {
        const { over, layout } = /** @type {Shown} */ (this.#strip[i]);
        outline(over, stage, layout, fields[i], null);
      });
      this.#readOut();
    }
  }

  #readOut() {
    byId("stage-readout", HTMLElement).textContent = this.#cellWords(this.#pointed.index, this.#pointed.cell);
  }

  /** The chosen stage from near. */
  #paintClose() {
    const network = this.#network;
    const stage = this.#stage;
    if (!network || !stage) {
      return;
    }
    const layout = this.#closeLayout(stage);
    const { map, row, column } = this.#cell;
    paintStage(this.#map, stage, this.#painted(this.#chosen), layout, map);
    outline(this.#mapOutline, stage, layout, { map, rows: [row, row], columns: [column, column] }, map);
    this.#map.setAttribute("aria-label", this.#t(layout.list ? "stageListLabel" : "stageMapLabel", { name: this.#nameOf(stage), map: map + 1 }));
    const [maps, height, width] = mapsOf(stage);
    this.#setSlider("map", maps, map);
    this.#setSlider("row", height, row);
    this.#setSlider("column", width, column);
    byId("stage-map-words", HTMLElement).textContent = this.#t(layout.list ? "stageNumber" : "stageMap");
    byId("stage-operation", HTMLElement).textContent = this.#t(OPERATIONS[stage.operation] ?? "opOther", {
      name: stage.operation,
      size: (stage.settings["kernel"] ?? [0, 0]).join(" × "),
    });
    const values = /** @type {Float32Array[]} */ (this.#values.every((one) => one !== null) ? this.#values : []);
    const source = sourceOf(network, values, this.#chosen, this.#cell);
    this.#paintSource(stage, network.stages[this.#chosen - 1] ?? null, source);
  }

  /**
   * @param {"map" | "row" | "column"} which
   * @param {number} count
   * @param {number} value
   */
  #setSlider(which, count, value) {
    const slider = this.#sliders[which];
    slider.max = String(count);
    slider.value = String(value + 1);
    const label = slider.closest("label");
    if (label) {
      label.hidden = count === 1;
    }
  }

  /**
   * What the cell was computed from: what it looks at, its weights, the products.
   * @param {Stage} stage
   * @param {Stage | null} before
   * @param {Source | null} source
   */
  #paintSource(stage, before, source) {
    const products = source?.weights ? source.inputs.map((v, i) => v * (source.weights?.[i] ?? 0)) : null;
    for (const [id, values] of /** @type {const} */ ([["source-inputs", source?.inputs], ["source-weights", source?.weights], ["source-products", products]])) {
      const canvas = byId(id, HTMLCanvasElement);
      const figure = canvas.closest("figure");
      if (figure) {
        figure.hidden = !values;
      }
      if (values && source) {
        /** @type {Stage} */
        const picture = { ...stage, shape: source.height * source.width > 1 && source.height > 1 ? [source.groups, source.height, source.width] : [source.width] };
        paintStage(canvas, picture, values, layoutOf(picture, null, HEIGHT), null);
        canvas.setAttribute("aria-label", figure?.querySelector("figcaption")?.textContent ?? "");
      }
    }
    byId("stage-sum", HTMLElement).textContent = source ? this.#sumWords(stage, before, source, products) : "";
  }

  /**
   * @param {Stage} stage
   * @param {Stage | null} before
   * @param {Source} source
   * @param {Float32Array | null} products
   */
  #sumWords(stage, before, { inputs, bias, value }, products) {
    const values = { value: precise(value) };
    if (products) {
      return this.#t("sumOf", { ...values, count: products.length, sum: precise(value - bias), bias: precise(bias) });
    }
    switch (stage.operation) {
      case "maxpool2d":
        return this.#t("largestOf", { ...values, count: inputs.length });
      case "relu":
        return this.#t("reluOf", { ...values, before: precise(inputs[0] ?? NaN) });
      case "flatten": {
        const from = before ? unflatten(before, this.#cell.map) : this.#cell;
        return this.#t("flattenOf", { ...values, number: this.#cell.map + 1, map: from.map + 1, row: from.row + 1, column: from.column + 1 });
      }
    }
    return "";
  }

  /** @param {Stage} stage */
  #nameOf({ name, operation }) {
    return operation === "input" ? this.#t("stageInput") : name;
  }

  /**
   * @param {number} index
   * @param {Cell} cell
   */
  #cellWords(index, cell) {
    const stage = this.#network?.stages[index];
    if (!stage) {
      return "";
    }
    const [, height, width] = mapsOf(stage);
    const value = this.#values[index]?.[(cell.map * height + cell.row) * width + cell.column];
    const words = {
      name: this.#nameOf(stage),
      map: cell.map + 1,
      row: cell.row + 1,
      column: cell.column + 1,
      value: value === undefined ? "–" : precise(value),
    };
    return this.#t(stage.shape.length === 1 ? "listCell" : "mapCell", words);
  }
}

/** @param {number} value */
function precise(value) {
  return (Math.round(value * 1000) / 1000).toFixed(3).replace("-", "−").replace(/^−0\.000$/, "0.000");
}

/**
 * Shows of each pixel of a drawing how much it speaks for the answer, blue, or against
 * it, orange.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} drawing
 * @param {Float32Array} saliency
 */
export function paintSaliency(canvas, drawing, saliency) {
  const { width, height } = drawing;
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true }));
  context.drawImage(drawing, 0, 0);
  const image = context.getImageData(0, 0, width, height);
  const { data } = image;
  const scale = largestOf(saliency) || 1;
  saliency.forEach((value, i) => {
    const share = Math.min(1, Math.abs(value) / scale);
    const [r, g, b] = value > 0 ? [70, 150, 255] : [255, 140, 30];
    const ink = 0.45 * (data[4 * i] ?? 0);
    data[4 * i] = ink + share * (r - ink);
    data[4 * i + 1] = ink + share * (g - ink);
    data[4 * i + 2] = ink + share * (b - ink);
  });
  resize(canvas, width, height);
  contextOf(canvas).putImageData(image, 0, 0);
}
