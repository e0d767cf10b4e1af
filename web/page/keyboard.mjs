/**
 * Drawing by keyboard: what each key does on the pad, and how the cross moves.
 */
import { PAD, onPad } from "./drawing.mjs";

/** One step of the cross: a twentieth of the pad. */
export const STEP = PAD / 20;

/** A step with Shift, for fine work. */
export const FINE_STEP = STEP / 4;

/**
 * The corner keys are where the diagonals are on a number pad.
 * @type {Readonly<Record<string, readonly [number, number]>>}
 */
const DIRECTIONS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  Home: [-1, -1],
  PageUp: [1, -1],
  End: [-1, 1],
  PageDown: [1, 1],
};

/**
 * @typedef {{ action: "move", dx: number, dy: number }
 *   | { action: "pen" | "lift" | "eraser" | "clear" | "undo" | "redo" | "thinner" | "thicker" }} Command
 */

/**
 * @typedef {object} Key
 * @property {string} key
 * @property {boolean} shiftKey
 * @property {boolean} ctrlKey
 * @property {boolean} metaKey
 * @property {boolean} altKey
 */

/**
 * What a key pressed on the pad means. Two arrows held together go diagonally.
 * @param {Key} key
 * @param {ReadonlySet<string>} held the keys that are down, with this one
 * @returns {Command | null} null: the key is not ours
 */
export function padCommand(key, held) {
  const shortcut = anywhereCommand(key);
  if (shortcut || key.ctrlKey || key.metaKey || key.altKey) {
    return shortcut;
  }
  if (DIRECTIONS[key.key]) {
    let dx = 0;
    let dy = 0;
    for (const name of new Set([...held, key.key])) {
      const direction = DIRECTIONS[name];
      dx += direction?.[0] ?? 0;
      dy += direction?.[1] ?? 0;
    }
    const step = key.shiftKey ? FINE_STEP : STEP;
    return { action: "move", dx: Math.sign(dx) * step, dy: Math.sign(dy) * step };
  }
  switch (key.key) {
    case " ":
    case "Enter":
      return { action: "pen" };
    case "Escape":
      return { action: "lift" };
    case "e":
    case "E":
      return { action: "eraser" };
    case "Delete":
    case "Backspace":
      return { action: "clear" };
    case "[":
      return { action: "thinner" };
    case "]":
      return { action: "thicker" };
    default:
      return null;
  }
}

/**
 * What a key means wherever the focus is.
 * @param {Key} key
 * @returns {{ action: "undo" | "redo" } | null}
 */
export function anywhereCommand(key) {
  if ((!key.ctrlKey && !key.metaKey) || key.altKey) {
    return null;
  }
  switch (key.key.toLowerCase()) {
    case "z":
      return { action: key.shiftKey ? "redo" : "undo" };
    case "y":
      return key.shiftKey ? null : { action: "redo" };
    default:
      return null;
  }
}

/**
 * @param {readonly [number, number]} cross
 * @param {number} dx
 * @param {number} dy
 * @returns {[number, number]}
 */
export function moveCross(cross, dx, dy) {
  return [onPad(cross[0] + dx), onPad(cross[1] + dy)];
}

/**
 * The cross's place for one who does not see it: column and row, 0 to 20.
 * @param {readonly [number, number]} cross
 * @returns {{ column: number, row: number }}
 */
export function placeOf(cross) {
  return { column: Math.round(cross[0] / STEP), row: Math.round(cross[1] / STEP) };
}
