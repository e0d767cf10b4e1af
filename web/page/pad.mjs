/**
 * The square pad: takes strokes from mouse, finger, pen and keyboard, keeps
 * their history, and paints them.
 */
import { EMPTY, PAD, erase, isEmpty, isNews, onPad, pressureOf } from "./drawing.mjs";
import { History } from "./history.mjs";
import { moveCross, padCommand, placeOf } from "./keyboard.mjs";
import { paintDrawing } from "./paint.mjs";
import { contextOf } from "./pictures.mjs";
import { Pointers } from "./pointers.mjs";

/** @typedef {import("./drawing.mjs").Drawing} Drawing */
/** @typedef {import("./drawing.mjs").Picture} Picture */
/** @typedef {import("./drawing.mjs").Point} Point */
/** @typedef {import("./drawing.mjs").Stroke} Stroke */

/**
 * A stroke that is being drawn, or what an eraser that is being moved has left.
 * @typedef {{ by: "pointer" | "keys" } & ({ stroke: Point[] }
 *   | { left: readonly Stroke[], at: readonly [number, number] })} Gesture
 */

/**
 * @typedef {object} PadOptions
 * @property {() => void} changed the drawing is another now
 * @property {() => void} toolsChanged brush, eraser, or what can be undone
 * @property {(pen: "penDown" | "penUp") => void} penMoved by keys, for those who do not see it
 * @property {(place: { column: number, row: number }) => void} crossMoved likewise
 * @property {{ min: number, max: number, step: number, value: number }} brush
 */

export class Pad {
  /** When the drawing was last changed, on performance.now()'s clock. */
  changedAt = 0;

  /** @type {HTMLCanvasElement} */
  #canvas;
  /** @type {PadOptions} */
  #options;
  /** @type {History<Drawing>} */
  #history = new History(EMPTY);
  #pointers = new Pointers();
  /** @type {Gesture | null} */
  #gesture = null;
  /** When the drawing was begun, on performance.now()'s clock. */
  #begun = 0;
  #brush;
  #erasing = false;
  /** @type {[number, number]} */
  #cross = [PAD / 2, PAD / 2];
  #crossShown = false;
  /** @type {readonly [number, number] | null} */
  #hover = null;
  /** @type {Set<string>} */
  #held = new Set();
  #painting = false;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {PadOptions} options
   */
  constructor(canvas, options) {
    this.#canvas = canvas;
    this.#options = options;
    this.#brush = options.brush.value;
    this.#listen();
    new ResizeObserver(() => this.repaint()).observe(canvas);
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)", "(min-resolution: 1.5dppx)"]) {
      matchMedia(query).addEventListener("change", () => this.repaint());
    }
  }

  /** @returns {Drawing} */
  get drawing() {
    const gesture = this.#gesture;
    if (!gesture) {
      return this.#history.present;
    }
    if ("left" in gesture) {
      return { picture: this.#history.present.picture, strokes: gesture.left };
    }
    // A stroke over a picture or an example begins a new drawing.
    return { strokes: [...this.#kept, gesture.stroke.slice()], picture: null };
  }

  /** The strokes that another one joins. */
  get #kept() {
    const { strokes, example } = this.#history.present;
    return example ? [] : strokes;
  }

  get isEmpty() {
    const gesture = this.#gesture;
    return gesture && "stroke" in gesture ? false : isEmpty(this.drawing);
  }

  get canUndo() {
    return this.#history.canUndo || this.#gesture !== null;
  }

  get canRedo() {
    return this.#history.canRedo;
  }

  get brush() {
    return this.#brush;
  }

  set brush(width) {
    const { min, max } = this.#options.brush;
    this.#brush = Math.min(max, Math.max(min, width));
    this.#options.toolsChanged();
    if (this.drawing.strokes.length > 0) {
      this.#change(performance.now());
    }
  }

  get erasing() {
    return this.#erasing;
  }

  set erasing(on) {
    this.#endGesture();
    this.#erasing = on;
    this.#options.toolsChanged();
    this.repaint();
  }

  undo() {
    this.#endGesture();
    if (this.#history.undo()) {
      this.#change(performance.now());
    }
  }

  redo() {
    this.#endGesture();
    if (this.#history.redo()) {
      this.#change(performance.now());
    }
  }

  clear() {
    this.#endGesture();
    if (!isEmpty(this.#history.present)) {
      this.#history.commit(EMPTY);
      this.#change(performance.now());
    }
  }

  /**
   * Begins with an example, if nothing has been drawn yet.
   * @param {Drawing} example
   */
  begin(example) {
    if (this.isEmpty && !this.canUndo) {
      this.#history = new History(example);
      this.#change(performance.now());
    }
  }

  /** @param {Drawing} example that takes the drawing's place */
  showExample(example) {
    this.#endGesture();
    this.#history.commit(example);
    this.#change(performance.now());
  }

  /** @param {Picture} picture that takes the drawing's place */
  place(picture) {
    this.#endGesture();
    this.#history.commit({ strokes: [], picture });
    this.#change(performance.now());
  }

  /** Paints the pad in the next frame. */
  repaint() {
    if (this.#painting) {
      return;
    }
    this.#painting = true;
    requestAnimationFrame(() => {
      this.#painting = false;
      this.#paint();
    });
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => this.#pointerDown(event));
    canvas.addEventListener("pointermove", (event) => this.#pointerMove(event));
    canvas.addEventListener("pointerup", (event) => this.#pointerUp(event));
    canvas.addEventListener("pointercancel", (event) => this.#pointerUp(event));
    canvas.addEventListener("pointerleave", () => this.#hoverAt(null));
    // A long press is a slow stroke, not a request for a menu.
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("keydown", (event) => this.#keyDown(event));
    canvas.addEventListener("keyup", (event) => this.#held.delete(event.key));
    canvas.addEventListener("focus", () => this.#showCross(canvas.matches(":focus-visible")));
    canvas.addEventListener("blur", () => {
      this.#held.clear();
      if (this.#gesture?.by === "keys") {
        this.#endGesture();
      }
      this.#showCross(false);
    });
  }

  /** @param {PointerEvent} event */
  #pointerDown(event) {
    const answer = this.#pointers.down(event);
    if (answer === "ignore") {
      return;
    }
    event.preventDefault();
    this.#canvas.focus({ preventScroll: true });
    this.#canvas.setPointerCapture(event.pointerId);
    this.#showCross(false);
    if (answer === "takeover") {
      this.#gesture = null;
    } else {
      this.#endGesture();
    }
    const at = this.#placeOn(event);
    this.#begin("pointer", answer === "erase" || this.#erasing, at, event.timeStamp, event.pressure);
  }

  /** @param {PointerEvent} event */
  #pointerMove(event) {
    this.#pointers.seen(event);
    this.#hoverAt(event.pointerType === "touch" ? null : this.#placeOn(event));
    if (!this.#pointers.isDrawing(event.pointerId) || !this.#gesture) {
      return;
    }
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length > 0 ? all : [event]) {
      this.#extend(this.#placeOn(one), one.timeStamp, one.pressure);
    }
  }

  /** @param {PointerEvent} event */
  #pointerUp(event) {
    this.#pointers.seen(event);
    if (this.#pointers.up(event.pointerId) && this.#gesture?.by === "pointer") {
      this.#endGesture();
    }
  }

  /** @param {readonly [number, number] | null} at */
  #hoverAt(at) {
    this.#hover = at;
    if (this.#erasing) {
      this.repaint();
    }
  }

  /**
   * @param {PointerEvent} event
   * @returns {[number, number]} in pad units
   */
  #placeOn(event) {
    const box = this.#canvas.getBoundingClientRect();
    return [
      onPad(((event.clientX - box.left) / box.width) * PAD),
      onPad(((event.clientY - box.top) / box.height) * PAD),
    ];
  }

  /** @param {KeyboardEvent} event */
  #keyDown(event) {
    this.#held.add(event.key);
    const command = padCommand(event, this.#held);
    if (!command || command.action === "undo" || command.action === "redo") {
      return; // the page's own shortcuts
    }
    event.preventDefault();
    const keyPen = this.#gesture?.by === "keys";
    switch (command.action) {
      case "move":
        this.#cross = moveCross(this.#cross, command.dx, command.dy);
        this.#showCross(true);
        if (keyPen) {
          this.#extend(this.#cross, event.timeStamp, 0);
        }
        this.#options.crossMoved(placeOf(this.#cross));
        break;
      case "pen":
        if (event.repeat) {
          break;
        }
        this.#showCross(true);
        if (keyPen) {
          this.#endGesture();
        } else if (!this.#gesture) {
          this.#begin("keys", this.#erasing, this.#cross, event.timeStamp, 0);
        }
        this.#options.penMoved(keyPen ? "penUp" : "penDown");
        break;
      case "lift":
        if (keyPen) {
          this.#endGesture();
          this.#options.penMoved("penUp");
        }
        break;
      case "eraser":
        this.erasing = !this.#erasing;
        break;
      case "clear":
        this.clear();
        break;
      case "thinner":
        this.brush -= this.#options.brush.step;
        break;
      case "thicker":
        this.brush += this.#options.brush.step;
        break;
    }
  }

  /** @param {boolean} shown */
  #showCross(shown) {
    this.#crossShown = shown;
    this.#canvas.classList.toggle("crossed", shown);
    this.repaint();
  }

  /**
   * @param {Gesture["by"]} by
   * @param {boolean} erasing
   * @param {readonly [number, number]} at
   * @param {number} time on performance.now()'s clock
   * @param {number} pressure
   */
  #begin(by, erasing, at, time, pressure) {
    if (erasing) {
      this.#gesture = { by, left: this.#history.present.strokes, at };
    } else {
      if (this.#kept.length === 0) {
        this.#begun = time;
      }
      this.#gesture = { by, stroke: [] };
    }
    this.#extend(at, time, pressure);
  }

  /**
   * @param {readonly [number, number]} at
   * @param {number} time
   * @param {number} pressure
   */
  #extend(at, time, pressure) {
    const gesture = this.#gesture;
    if (!gesture) {
      return;
    }
    if ("left" in gesture) {
      const left = erase(gesture.left, gesture.at, at, this.#eraserRadius + this.#brush / 2);
      gesture.at = at;
      if (left !== gesture.left) {
        gesture.left = left;
        this.#change(time);
      }
      return;
    }
    /** @type {Point} */
    const point = [at[0], at[1], Math.max(0, time - this.#begun), pressureOf(pressure)];
    if (isNews(gesture.stroke.at(-1), point)) {
      gesture.stroke.push(point);
      this.#change(time);
    }
  }

  /**
   * The ring that is left without ink, in pad units. What is cut away reaches
   * half a line further, because the ends of what is left are round.
   */
  get #eraserRadius() {
    return Math.max(8, this.#brush / 2);
  }

  #endGesture() {
    const gesture = this.#gesture;
    if (!gesture) {
      return;
    }
    const drawing = this.drawing;
    this.#gesture = null;
    if (!("left" in gesture) || gesture.left !== this.#history.present.strokes) {
      this.#history.commit(drawing);
    }
    this.#options.toolsChanged();
    this.repaint();
  }

  /** @param {number} time */
  #change(time) {
    this.changedAt = time;
    this.#options.toolsChanged();
    this.#options.changed();
    this.repaint();
  }

  #paint() {
    const canvas = this.#canvas;
    const side = Math.round(canvas.clientWidth * devicePixelRatio);
    if (side === 0) {
      return; // hidden; the resize observer calls again
    }
    if (canvas.width !== side) {
      canvas.width = side;
      canvas.height = side;
    }
    const context = contextOf(canvas);
    const style = getComputedStyle(canvas);
    context.setTransform(side / PAD, 0, 0, side / PAD, 0, 0);
    paintDrawing(context, this.drawing, {
      brush: this.#brush,
      ink: style.color,
      paper: style.backgroundColor,
      accent: style.caretColor,
      cross: this.#crossShown ? this.#cross : null,
      penDown: this.#gesture?.by === "keys",
      eraser: this.#erasing ? { at: this.#crossShown ? this.#cross : this.#hover, radius: this.#eraserRadius } : null,
    });
  }
}
