/**
 * Paints the pad. This is for the eyes alone: the server draws its own picture
 * from the strokes.
 */
import { piecesOf } from "./curve.mjs";
import { PAD } from "./drawing.mjs";

/** @typedef {import("./drawing.mjs").Drawing} Drawing */
/** @typedef {import("./drawing.mjs").Stroke} Stroke */

/**
 * @typedef {object} Look
 * @property {number} brush the line's width at a mouse's pressure
 * @property {string} ink
 * @property {string} paper
 * @property {string} accent of the cross and the eraser's ring
 * @property {readonly [number, number] | null} cross where the keyboard's pen is
 * @property {boolean} penDown whether the keyboard's pen draws
 * @property {{ at: readonly [number, number] | null, radius: number } | null} eraser
 */

/**
 * @param {CanvasRenderingContext2D} context scaled to pad units
 * @param {Drawing} drawing
 * @param {Look} look
 */
export function paintDrawing(context, drawing, look) {
  context.fillStyle = look.paper;
  context.fillRect(0, 0, PAD, PAD);
  if (drawing.picture?.bitmap) {
    paintPicture(context, drawing.picture.bitmap);
  }
  context.strokeStyle = look.ink;
  context.fillStyle = look.ink;
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const stroke of drawing.strokes) {
    paintStroke(context, stroke, look.brush);
  }
  context.strokeStyle = look.accent;
  context.fillStyle = look.accent;
  context.lineWidth = 1.5;
  if (look.eraser?.at) {
    ring(context, look.eraser.at, look.eraser.radius);
    context.stroke();
  }
  if (look.cross) {
    paintCross(context, look.cross, look.penDown);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {ImageBitmap} bitmap
 */
function paintPicture(context, bitmap) {
  const scale = Math.min(PAD / bitmap.width, PAD / bitmap.height);
  const width = bitmap.width * scale;
  const height = bitmap.height * scale;
  // The pixels of a very small picture are what there is to see.
  context.imageSmoothingEnabled = scale < 4;
  context.drawImage(bitmap, (PAD - width) / 2, (PAD - height) / 2, width, height);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke} stroke
 * @param {number} brush
 */
function paintStroke(context, stroke, brush) {
  const first = stroke[0];
  if (!first) {
    return;
  }
  if (stroke.length === 1) {
    ring(context, [first[0], first[1]], widthAt(brush, first[3]) / 2);
    context.fill();
    return;
  }
  // Pieces of one width make one path; a pen's pressure starts another.
  let width = NaN;
  for (const { from, to, controls } of piecesOf(stroke)) {
    const next = widthAt(brush, (from[3] + to[3]) / 2);
    if (next !== width) {
      if (!Number.isNaN(width)) {
        context.stroke();
      }
      width = next;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(from[0], from[1]);
    }
    if (controls) {
      context.bezierCurveTo(...controls[0], ...controls[1], to[0], to[1]);
    } else {
      context.lineTo(to[0], to[1]);
    }
  }
  context.stroke();
}

/**
 * A mouse, which has pressure 0.5, draws lines of the brush's own width. The
 * server draws the pad so, too.
 * @param {number} brush
 * @param {number} pressure
 */
function widthAt(brush, pressure) {
  return brush * (0.5 + pressure);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {readonly [number, number]} centre
 * @param {number} radius
 */
function ring(context, centre, radius) {
  context.beginPath();
  context.arc(centre[0], centre[1], radius, 0, 2 * Math.PI);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {readonly [number, number]} at
 * @param {boolean} penDown
 */
function paintCross(context, at, penDown) {
  const [x, y] = at;
  context.lineWidth = 2;
  context.beginPath();
  for (const [dx, dy] of /** @type {const} */ ([[1, 0], [-1, 0], [0, 1], [0, -1]])) {
    context.moveTo(x + dx * 5, y + dy * 5);
    context.lineTo(x + dx * 14, y + dy * 14);
  }
  context.stroke();
  ring(context, at, penDown ? 4.5 : 2);
  context.fill();
}
