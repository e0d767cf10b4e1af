/**
 * What is on the pad, as plain values that are never changed in place, so that
 * undo can keep them.
 */

/**
 * A point in pad units: x to the right and y down, both 0 to PAD; milliseconds
 * since the drawing was begun; pressure 0 to 1, where a mouse has 0.5.
 * @typedef {readonly [x: number, y: number, milliseconds: number, pressure: number]} Point
 */

/** @typedef {readonly Point[]} Stroke */

/**
 * @typedef {object} Picture
 * @property {string} dataURL the file as it was given
 * @property {ImageBitmap | null} bitmap null where the browser cannot show the format
 */

/**
 * @typedef {object} Drawing
 * @property {readonly Stroke[]} strokes
 * @property {Picture | null} picture a picture stands alone: it has no strokes beside it
 * @property {boolean} [example] it is not the reader's own: the first stroke takes its place
 */

/** The side of the square pad, in the units of points and of the line's width. */
export const PAD = 280;

/** @type {Drawing} */
export const EMPTY = Object.freeze({ strokes: Object.freeze([]), picture: null });

/** @param {Drawing} drawing */
export function isEmpty(drawing) {
  return drawing.strokes.length === 0 && drawing.picture === null;
}

/**
 * Whether a point says more than the one before it.
 * @param {Point | undefined} last
 * @param {Point} point
 */
export function isNews(last, point) {
  return !last || Math.hypot(point[0] - last[0], point[1] - last[1]) >= 0.5;
}

/**
 * The strokes as they are sent: a tenth of a unit is far finer than a pixel of
 * the network's, and shorter numbers make a smaller request.
 * @param {readonly Stroke[]} strokes
 * @returns {[number, number, number, number][][]}
 */
export function rounded(strokes) {
  return strokes.map((stroke) =>
    stroke.map(([x, y, milliseconds, pressure]) => [
      Math.round(x * 10) / 10,
      Math.round(y * 10) / 10,
      Math.round(milliseconds),
      Math.round(pressure * 100) / 100,
    ]),
  );
}

/**
 * Keeps a point on the pad.
 * @param {number} coordinate
 */
export function onPad(coordinate) {
  return Math.min(PAD, Math.max(0, coordinate));
}

/**
 * Pressure as it is sent. Devices that cannot feel it report 0 while they
 * touch, or nothing at all.
 * @param {number} pressure
 */
export function pressureOf(pressure) {
  return pressure > 0 && pressure <= 1 ? pressure : 0.5;
}

/**
 * Takes everything out of the strokes that lies within the radius of a segment
 * along which the eraser was moved. A stroke may fall into several.
 * @param {readonly Stroke[]} strokes
 * @param {readonly [number, number]} from
 * @param {readonly [number, number]} to
 * @param {number} radius
 * @returns {readonly Stroke[]} the very same strokes if none was touched
 */
export function erase(strokes, from, to, radius) {
  const distance = Math.hypot(to[0] - from[0], to[1] - from[1]);
  // Discs half a radius apart leave a rim of at most 4 % of the radius between them.
  const discs = Math.max(1, Math.ceil(distance / (radius / 2)));
  let rest = strokes;
  for (let i = 0; i <= discs; i++) {
    const share = i / discs;
    const x = from[0] + (to[0] - from[0]) * share;
    const y = from[1] + (to[1] - from[1]) * share;
    rest = rest.some((stroke) => touches(stroke, x, y, radius))
      ? rest.flatMap((stroke) => eraseDisc(stroke, x, y, radius))
      : rest;
  }
  return rest;
}

/**
 * @param {Stroke} stroke
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
function touches(stroke, x, y, radius) {
  return stroke.some((point, i) => {
    const previous = stroke[i - 1] ?? point;
    return inside(previous, point, x, y, radius) !== null;
  });
}

/**
 * @param {Stroke} stroke
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 * @returns {Stroke[]} what is left of the stroke, in its order
 */
function eraseDisc(stroke, x, y, radius) {
  const first = stroke[0];
  if (stroke.length === 1 && first) {
    return inside(first, first, x, y, radius) ? [] : [stroke];
  }
  /** @type {Point[][]} */
  const pieces = [];
  /** @type {Point[]} */
  let piece = [];
  const end = () => {
    if (piece.length > 1) {
      pieces.push(piece);
    }
    piece = [];
  };
  for (let i = 1; i < stroke.length; i++) {
    const a = /** @type {Point} */ (stroke[i - 1]);
    const b = /** @type {Point} */ (stroke[i]);
    const gone = inside(a, b, x, y, radius);
    if (!gone) {
      piece.push(...(piece.length === 0 ? [a, b] : [b]));
      continue;
    }
    if (gone[0] > 0) {
      piece.push(...(piece.length === 0 ? [a] : []), between(a, b, gone[0]));
    }
    end();
    if (gone[1] < 1) {
      piece.push(between(a, b, gone[1]), b);
    }
  }
  end();
  return pieces;
}

/**
 * The part of the segment from a to b that lies inside the disc, as shares of
 * the way from a to b.
 * @param {Point} a
 * @param {Point} b
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 * @returns {[number, number] | null}
 */
function inside(a, b, x, y, radius) {
  const dx = b[0] - a[0];
  const dy = b[1] - a[1];
  const fx = a[0] - x;
  const fy = a[1] - y;
  // |a + t(b-a) - centre|^2 = radius^2 is A t^2 + 2 B t + C = 0.
  const A = dx * dx + dy * dy;
  const B = fx * dx + fy * dy;
  const C = fx * fx + fy * fy - radius * radius;
  if (A === 0) {
    return C <= 0 ? [0, 1] : null;
  }
  const discriminant = B * B - A * C;
  if (discriminant <= 0) {
    return null;
  }
  const root = Math.sqrt(discriminant);
  const enter = Math.max(0, (-B - root) / A);
  const leave = Math.min(1, (-B + root) / A);
  return enter < leave ? [enter, leave] : null;
}

/**
 * @param {Point} a
 * @param {Point} b
 * @param {number} share
 * @returns {Point}
 */
function between(a, b, share) {
  return [
    a[0] + (b[0] - a[0]) * share,
    a[1] + (b[1] - a[1]) * share,
    a[2] + (b[2] - a[2]) * share,
    a[3] + (b[3] - a[3]) * share,
  ];
}
