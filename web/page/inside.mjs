/**
 * What every stage of the network computed, and where each of its numbers comes from.
 */

/**
 * An operation of the network.
 * @typedef {object} Stage
 * @property {string} name
 * @property {string} operation conv2d, relu, maxpool2d, flatten, linear, ...
 * @property {readonly number[]} shape maps, height and width, or how many numbers
 * @property {Readonly<Record<string, any>>} settings
 * @property {Readonly<Record<string, Tensor>>} parameters weight and bias
 */

/** @typedef {{ shape: readonly number[], values: Float32Array }} Tensor */

/**
 * @typedef {object} Network
 * @property {readonly Stage[]} stages the first one is the picture itself
 * @property {number} ground what a pixel without ink is in it
 * @property {number} ink what one is that is all ink
 */

/**
 * One number of a stage; of a list, map is its place and row and column are 0.
 * @typedef {{ map: number, row: number, column: number }} Cell
 */

/**
 * Part of a stage: of one map, or of all where map is null. All of it where rows is null.
 * @typedef {{ map: number | null, rows: readonly [number, number] | null, columns: readonly [number, number] | null }} Field
 */

/**
 * What a number was computed from: so many numbers of the stage before, each times its
 * weight, and what is added.
 * @typedef {object} Source
 * @property {number} groups how many maps are looked at
 * @property {number} height of what is looked at of each
 * @property {number} width
 * @property {Float32Array} inputs
 * @property {Float32Array | null} weights
 * @property {number} bias
 * @property {number} value
 */

/**
 * Numbers that come as little-endian float32 in base64.
 * @param {string} base64
 */
export function floats(base64) {
  const characters = atob(base64);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = characters.charCodeAt(i);
  }
  return new Float32Array(bytes.buffer);
}

/**
 * @param {any} told what GET api/network answers
 * @returns {Network}
 */
export function networkOf(told) {
  /** @type {Stage} */
  const input = { name: "input", operation: "input", shape: told.input, settings: {}, parameters: {} };
  const stages = told.stages.map((/** @type {any} */ stage) => ({
    ...stage,
    parameters: Object.fromEntries(
      (stage.parameters ?? []).map((/** @type {any} */ { name, shape, values }) => [name.split(".").at(-1), { shape, values: floats(values) }]),
    ),
  }));
  return { stages: [input, ...stages], ground: told.ground, ink: told.ink };
}

/**
 * Maps, height and width of a stage; a list has as many maps of one number.
 * @param {Stage} stage
 * @returns {readonly [number, number, number]}
 */
export function mapsOf({ shape }) {
  const [maps = 1, height = 1, width = 1] = shape;
  return [maps, height, width];
}

/**
 * @param {Stage} stage
 * @param {Cell} cell
 */
export function placeIn(stage, { map, row, column }) {
  const [, height, width] = mapsOf(stage);
  return (map * height + row) * width + column;
}

/**
 * The cell nearest to one that may lie outside of the stage.
 * @param {Stage} stage
 * @param {Cell} cell
 * @returns {Cell}
 */
export function within(stage, { map, row, column }) {
  const [maps, height, width] = mapsOf(stage);
  const between = (/** @type {number} */ value, /** @type {number} */ count) => Math.min(count - 1, Math.max(0, value));
  return { map: between(map, maps), row: between(row, height), column: between(column, width) };
}

/**
 * The window over the stage before that a cell of a convolution or pooling looks at.
 * @param {Stage} stage
 * @param {readonly [number, number]} rows from the first row of cells to the last
 * @param {readonly [number, number]} columns
 */
function windowOf({ settings }, rows, columns) {
  const { kernel = [1, 1], stride = [1, 1], dilation = [1, 1], before = [0, 0] } = settings;
  const reach = (/** @type {readonly [number, number]} */ [first, last], /** @type {number} */ axis) =>
    /** @type {[number, number]} */ ([
      first * stride[axis] - before[axis],
      last * stride[axis] - before[axis] + (kernel[axis] - 1) * dilation[axis],
    ]);
  return { rows: reach(rows, 0), columns: reach(columns, 1) };
}

/**
 * What a cell sees of each stage before its own: fields[0] is of the picture.
 * @param {Network} network
 * @param {number} index of the cell's stage
 * @param {Cell} cell
 * @returns {Field[]}
 */
export function fieldsOf({ stages }, index, cell) {
  /** @type {Field[]} */
  const fields = [];
  /** @type {Field} */
  let field = { map: cell.map, rows: [cell.row, cell.row], columns: [cell.column, cell.column] };
  fields[index] = field;
  for (let i = index; i > 0; i--) {
    field = fieldBefore(/** @type {Stage} */ (stages[i]), /** @type {Stage} */ (stages[i - 1]), field);
    fields[i - 1] = field;
  }
  return fields;
}

/**
 * @param {Stage} stage
 * @param {Stage} before
 * @param {Field} field of the stage
 * @returns {Field} of the one before
 */
function fieldBefore(stage, before, field) {
  const { map, rows, columns } = field;
  switch (stage.operation) {
    case "relu":
      return field;
    case "conv2d":
    case "maxpool2d":
    case "avgpool2d": {
      if (!rows || !columns) {
        return { map: null, rows: null, columns: null };
      }
      const seen = windowOf(stage, rows, columns);
      return { map: stage.operation === "conv2d" ? null : map, ...seen };
    }
    case "flatten": {
      if (map === null) {
        return { map: null, rows: null, columns: null };
      }
      const cell = unflatten(before, map);
      return { map: cell.map, rows: [cell.row, cell.row], columns: [cell.column, cell.column] };
    }
    default:
      // A linear layer looks at everything; of others it is not known.
      return { map: null, rows: null, columns: null };
  }
}

/**
 * The cell of a stage of maps that is at a place of the list that flatten makes of it.
 * @param {Stage} before
 * @param {number} place
 * @returns {Cell}
 */
export function unflatten(before, place) {
  const [, height, width] = mapsOf(before);
  return { map: Math.floor(place / (height * width)), row: Math.floor(place / width) % height, column: place % width };
}

/**
 * What a cell was computed from.
 * @param {Network} network
 * @param {readonly Float32Array[]} values of all stages
 * @param {number} index of the cell's stage
 * @param {Cell} cell
 * @returns {Source | null} null where that is not known
 */
export function sourceOf({ stages }, values, index, cell) {
  const stage = stages[index];
  const before = stages[index - 1];
  const inputs = values[index - 1];
  if (!stage || !before || !inputs) {
    return null;
  }
  const value = values[index]?.[placeIn(stage, cell)] ?? NaN;
  const [maps] = mapsOf(before);
  const bias = stage.parameters["bias"]?.values[cell.map] ?? 0;
  const weight = stage.parameters["weight"];
  switch (stage.operation) {
    case "linear": {
      const weights = weight?.values.subarray(cell.map * maps, (cell.map + 1) * maps) ?? null;
      return { groups: 1, height: 1, width: maps, inputs, weights, bias, value };
    }
    case "conv2d": {
      const [kernelHeight, kernelWidth] = stage.settings["kernel"];
      const looked = maps / (stage.settings["groups"] ?? 1);
      const first = Math.floor(cell.map / (mapsOf(stage)[0] / (stage.settings["groups"] ?? 1))) * looked;
      const each = looked * kernelHeight * kernelWidth;
      return {
        groups: looked, height: kernelHeight, width: kernelWidth, bias, value,
        inputs: patch(stage, before, inputs, cell, first, looked),
        weights: weight?.values.subarray(cell.map * each, (cell.map + 1) * each) ?? null,
      };
    }
    case "maxpool2d":
    case "avgpool2d": {
      const [kernelHeight, kernelWidth] = stage.settings["kernel"];
      return { groups: 1, height: kernelHeight, width: kernelWidth, inputs: patch(stage, before, inputs, cell, cell.map, 1), weights: null, bias: 0, value };
    }
    case "relu":
    case "flatten":
      return { groups: 1, height: 1, width: 1, inputs: inputs.slice(placeIn(stage, cell), placeIn(stage, cell) + 1), weights: null, bias: 0, value };
  }
  return null;
}

/**
 * @param {Stage} stage
 * @param {Stage} before
 * @param {Float32Array} inputs
 * @param {Cell} cell
 * @param {number} first of the maps that are looked at
 * @param {number} count of these
 */
function patch(stage, before, inputs, cell, first, count) {
  const { dilation = [1, 1], kernel } = stage.settings;
  const [, height, width] = mapsOf(before);
  const { rows, columns } = windowOf(stage, [cell.row, cell.row], [cell.column, cell.column]);
  const seen = new Float32Array(count * kernel[0] * kernel[1]);
  let i = 0;
  for (let map = first; map < first + count; map++) {
    for (let y = 0; y < kernel[0]; y++) {
      for (let x = 0; x < kernel[1]; x++) {
        const row = rows[0] + y * dilation[0];
        const column = columns[0] + x * dilation[1];
        const inside = row >= 0 && row < height && column >= 0 && column < width;
        seen[i++] = inside ? (inputs[(map * height + row) * width + column] ?? 0) : 0;
      }
    }
  }
  return seen;
}

/**
 * The largest amount among numbers.
 * @param {Iterable<number>} values
 */
export function largestOf(values) {
  let largest = 0;
  for (const value of values) {
    largest = Math.max(largest, Math.abs(value));
  }
  return largest;
}
