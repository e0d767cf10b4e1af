/**
 * The smooth line through the points of a stroke: the server's, which package
 * sketch explains, so that the pad shows what is read.
 */

/** @typedef {import("./drawing.mjs").Point} Point */
/** @typedef {readonly [x: number, y: number]} Vector */

/** The cosine of 75 degrees: a sharper corner stays one. */
const SHARP = 0.26;

/** @type {Vector} */
const NONE = [0, 0];

/**
 * @typedef {object} Piece
 * @property {Point} from
 * @property {Point} to
 * @property {[Vector, Vector] | null} controls of the cubic between them, null for a straight line
 */

/**
 * @param {readonly Point[]} stroke
 * @returns {Piece[]} one for each two neighbours
 */
export function piecesOf(stroke) {
  const pieces = [];
  let before = NONE;
  for (let i = 0; i + 1 < stroke.length; i++) {
    const from = /** @type {Point} */ (stroke[i]);
    const to = /** @type {Point} */ (stroke[i + 1]);
    const next = stroke[i + 2];
    const after = next ? tangent(from, to, next) : NONE;
    pieces.push({ from, to, controls: controlsOf(from, to, before, after) });
    before = after;
  }
  return pieces;
}

/**
 * The direction of the centripetal Catmull-Rom spline at b, as long as the curve
 * there moves while the root of its length grows by 1; none at a corner.
 * @param {Point} a
 * @param {Point} b
 * @param {Point} c
 * @returns {Vector}
 */
function tangent(a, b, c) {
  const before = minus(b, a);
  const after = minus(c, b);
  const lengthBefore = Math.hypot(...before);
  const lengthAfter = Math.hypot(...after);
  const dot = before[0] * after[0] + before[1] * after[1];
  if (lengthBefore === 0 || lengthAfter === 0 || dot < SHARP * lengthBefore * lengthAfter) {
    return NONE;
  }
  const t0 = Math.sqrt(lengthBefore);
  const t1 = Math.sqrt(lengthAfter);
  const across = minus(c, a);
  const along = (/** @type {0 | 1} */ i) => before[i] / t0 + after[i] / t1 - across[i] / (t0 + t1);
  return [along(0), along(1)];
}

/**
 * @param {Point} from
 * @param {Point} to
 * @param {Vector} before
 * @param {Vector} after
 * @returns {Piece["controls"]}
 */
function controlsOf(from, to, before, after) {
  if (before === NONE && after === NONE) {
    return null;
  }
  const chord = minus(to, from);
  const share = Math.sqrt(Math.hypot(...chord)) / 3;
  const [startX, startY] = before === NONE ? times(chord, 1 / 3) : times(before, share);
  const [endX, endY] = after === NONE ? times(chord, 1 / 3) : times(after, share);
  return [
    [from[0] + startX, from[1] + startY],
    [to[0] - endX, to[1] - endY],
  ];
}

/**
 * @param {Point} a
 * @param {Point} b
 * @returns {Vector}
 */
function minus(a, b) {
  return [a[0] - b[0], a[1] - b[1]];
}

/**
 * @param {Vector} a
 * @param {number} factor
 * @returns {Vector}
 */
function times(a, factor) {
  return [a[0] * factor, a[1] * factor];
}
