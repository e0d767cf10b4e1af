/**
 * Undo and redo over values that are never changed in place.
 * @template T
 */
export class History {
  /** @type {T[]} */
  #past = [];
  /** @type {T} */
  #present;
  /** @type {T[]} */
  #future = [];
  /** @type {number} */
  #limit;

  /**
   * @param {T} present
   * @param {number} limit how many steps can be undone; older ones are forgotten
   */
  constructor(present, limit = 200) {
    this.#present = present;
    this.#limit = limit;
  }

  get present() {
    return this.#present;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /**
   * Makes one step. What had been undone can no longer be redone.
   * @param {T} next
   */
  commit(next) {
    if (next === this.#present) {
      return;
    }
    this.#past.push(this.#present);
    if (this.#past.length > this.#limit) {
      this.#past.shift();
    }
    this.#present = next;
    this.#future = [];
  }

  /** @returns {boolean} whether there was a step to undo */
  undo() {
    return this.#move(this.#past, this.#future);
  }

  /** @returns {boolean} whether there was a step to redo */
  redo() {
    return this.#move(this.#future, this.#past);
  }

  /**
   * @param {T[]} from
   * @param {T[]} to
   */
  #move(from, to) {
    if (from.length === 0) {
      return false;
    }
    to.push(this.#present);
    this.#present = /** @type {T} */ (from.pop());
    return true;
  }
}
