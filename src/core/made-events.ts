import type { SourceEvent } from './event.js';

/**
 * The events a source made and has not yielded yet, with the cursor that follows each. One field for the usual
 * `yield this.event(…)`; a WeakMap, several times dearer, only for events made in advance.
 */
export class MadeEvents {
  #last: SourceEvent | undefined;
  #lastCursor: unknown;
  #earlier: WeakMap<SourceEvent, unknown> | undefined;
  /** Gap events made and not seen yet. */
  gaps = 0;
  /** Whether what is yielded next may be more than a plain event: a gap, or one with changes of state. */
  isSpecial = false;

  remember(event: SourceEvent, cursor: unknown): void {
    if (this.#last !== undefined) {
      this.#earlier ??= new WeakMap();
      this.#earlier.set(this.#last, this.#lastCursor);
    }
    this.#last = event;
    this.#lastCursor = cursor;
  }

  /** The cursor that follows the event; undefined where none was given. */
  takeCursor(event: SourceEvent): unknown {
    if (event !== this.#last) return this.#earlier?.get(event);
    this.#last = undefined;
    return this.#lastCursor;
  }
}
