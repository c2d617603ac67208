import type { SourceEvent } from '../../core/event.js';

/** Events of what was spooled last, by their place: what is handed out soon need not be parsed again. */
export class RecentEvents {
  readonly #maxBytes: number;
  readonly #events = new Map<number, { readonly events: readonly SourceEvent[]; readonly bytes: number }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What there is no room for is read from the disk when its turn comes. */
  add(sequence: number, events: readonly SourceEvent[], bytes: number): void {
    if (this.#bytes + bytes > this.#maxBytes) return;
    this.#bytes += bytes;
    this.#events.set(sequence, { events, bytes });
  }

  /** Hands them over; they are not kept any longer. Those before it were passed, and will not be asked for. */
  take(sequence: number): readonly SourceEvent[] | undefined {
    for (const [place, { bytes }] of this.#events) {
      if (place >= sequence) break;
      this.#events.delete(place);
      this.#bytes -= bytes;
    }
    const found = this.#events.get(sequence);
    if (found === undefined) return undefined;
    this.#events.delete(sequence);
    this.#bytes -= found.bytes;
    return found.events;
  }
}
