/**
 * Which pointer may draw. One draws at a time; a pen comes before a finger,
 * because the hand that holds a pen rests on the glass.
 */

/**
 * The part of a PointerEvent that matters here.
 * @typedef {object} Contact
 * @property {number} pointerId
 * @property {string} pointerType "mouse", "pen" or "touch"
 * @property {number} width of the contact, in CSS pixels
 * @property {number} height
 * @property {number} button
 * @property {number} timeStamp in milliseconds
 */

/** How long after a pen was last seen a touch is taken for the hand that holds it. */
const PEN_NEAR = 1500;

/** Contacts wider than this are no fingertip, which is 25 to 40 CSS pixels across. */
const PALM = 64;

/** A pen's other end, by the Pointer Events standard. */
const ERASER_BUTTON = 5;

export class Pointers {
  /** @type {{ id: number, type: string } | null} */
  #drawing = null;
  #penSeen = -Infinity;

  /**
   * @param {Contact} contact that comes down
   * @returns {"draw" | "erase" | "takeover" | "ignore"} takeover: draw, and take back what the
   *   pointer before has begun
   */
  down(contact) {
    const pen = contact.pointerType === "pen";
    if (contact.button !== 0 && !(pen && contact.button === ERASER_BUTTON)) {
      return "ignore";
    }
    if (contact.pointerType === "touch") {
      const palm = contact.width > PALM || contact.height > PALM;
      if (palm || contact.timeStamp - this.#penSeen < PEN_NEAR) {
        return "ignore";
      }
    }
    const before = this.#drawing;
    if (before && !(pen && before.type === "touch")) {
      return "ignore";
    }
    this.#drawing = { id: contact.pointerId, type: contact.pointerType };
    this.seen(contact);
    if (contact.button === ERASER_BUTTON) {
      return "erase";
    }
    return before ? "takeover" : "draw";
  }

  /**
   * Notes a pen that draws or hovers.
   * @param {Contact} contact
   */
  seen(contact) {
    if (contact.pointerType === "pen") {
      this.#penSeen = contact.timeStamp;
    }
  }

  /** @param {number} pointerId */
  isDrawing(pointerId) {
    return this.#drawing?.id === pointerId;
  }

  /**
   * @param {number} pointerId
   * @returns {boolean} whether it was the one that drew
   */
  up(pointerId) {
    if (!this.isDrawing(pointerId)) {
      return false;
    }
    this.#drawing = null;
    return true;
  }
}
