/**
 * Decides when a drawing is sent: one at a time, at most one a frame, always
 * the latest. What it was in between is skipped, not queued.
 * @template Drawing
 * @template Answer
 */
export class Live {
  /** @type {LiveOptions<Drawing, Answer>} */
  #options;
  /** Whether the drawing has changed since it was last sent. */
  #waiting = false;
  /** @type {AbortController | null} of the one in flight */
  #flight = null;
  #framed = false;
  /** Not before this time, by options.now(): the server asked for a pause. */
  #pausedUntil = 0;

  /** @param {LiveOptions<Drawing, Answer>} options */
  constructor(options) {
    this.#options = options;
  }

  /** The drawing has changed: sends it once the one in flight is answered. */
  request() {
    this.#waiting = true;
    this.#schedule();
  }

  /** Forgets the drawing that waits and the answer that is under way. */
  cancel() {
    this.#waiting = false;
    this.#flight?.abort();
    this.#flight = null;
  }

  #schedule() {
    if (this.#framed || this.#flight || !this.#waiting) {
      return;
    }
    this.#framed = true;
    const pause = this.#pausedUntil - this.#options.now();
    const next = () => {
      this.#framed = false;
      void this.#send();
    };
    if (pause > 0) {
      this.#options.later(next, pause);
    } else {
      this.#options.frame(next);
    }
  }

  async #send() {
    if (!this.#waiting || this.#flight) {
      return;
    }
    this.#waiting = false;
    const drawing = this.#options.latest();
    const flight = new AbortController();
    this.#flight = flight;
    try {
      const answer = await this.#options.send(drawing, flight.signal);
      if (this.#flight === flight) {
        this.#options.answered(answer, drawing);
      }
    } catch (error) {
      if (this.#flight === flight) {
        const pause = this.#options.failed(error);
        if (pause > 0) {
          this.#pausedUntil = this.#options.now() + pause;
          this.#waiting = true;
        }
      }
    }
    if (this.#flight === flight) {
      this.#flight = null;
      this.#schedule();
    }
  }
}

/**
 * @template Drawing
 * @template Answer
 * @typedef {object} LiveOptions
 * @property {() => Drawing} latest
 * @property {(drawing: Drawing, signal: AbortSignal) => Promise<Answer>} send
 * @property {(answer: Answer, drawing: Drawing) => void} answered
 * @property {(error: unknown) => number} failed returns after how many
 *   milliseconds to try again, 0 to wait for the next drawing
 * @property {(callback: () => void) => void} frame runs the callback in the next frame
 * @property {(callback: () => void, milliseconds: number) => void} later
 * @property {() => number} now in milliseconds
 */
