import type { SourceEvent } from './event.js';

/**
 * The events a source made and has not yielded yet, with the cursor that follows each. One field for the usual
 * `yield this.event(…)`; a WeakMap, several times dearer, only for events made in advance.
 */
export class MadeEvents {
  #last: SourceEvent | undefined;
  #lastCursor: unknown;
  #earlier: WeakMap<SourceEvent, unknown> | undefined;
  /** Whether a gap event was made since somebody looked. */
  hasGap = false;

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

  takeGap(): boolean {
    const hadGap = this.hasGap;
    this.hasGap = false;
    return hadGap;
  }
}
