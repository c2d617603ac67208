import { isGap, type SourceEvent } from '../core/event.js';
import type { SourceBatch } from '../core/read-options.js';

type Batch = SourceBatch<SourceEvent, unknown>;

interface Kept {
  /** The cursor before it, as text. */
  readonly from: string;
  readonly batch: Batch;
  readonly bytes: number;
}

/** Batches that follow one upon another, found by the cursor before each. Full, it forgets the oldest. */
export class BatchCache {
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  readonly #kept = new Map<string, Kept>();
  #events = 0;
  #bytes = 0;
  /** The cursor after the last of them, as text. */
  #end: string | undefined;

  constructor(maxEvents: number, maxBytes: number) {
    this.#maxEvents = maxEvents;
    this.#maxBytes = maxBytes;
  }

  /** What follows a cursor: a batch, or the rest of one. */
  after(cursor: unknown): Batch | undefined {
    const text = textOf(cursor);
    return this.#kept.get(text)?.batch ?? this.#restAfter(text);
  }

  /** Whether a cursor is where the source was read to. */
  endsAt(cursor: unknown): boolean {
    return this.#end === textOf(cursor);
  }

  /** The source was read to here. */
  endAt(cursor: unknown): void {
    if (!this.endsAt(cursor)) this.#clear();
    this.#end = textOf(cursor);
  }

  add(before: unknown, batch: Batch): void {
    this.endAt(before);
    // A gap stops whoever comes to it, each time.
    if (batch.cursor === undefined || batch.events.some(isGap)) return this.#clear();
    const from = textOf(before);
    const bytes = Buffer.byteLength(JSON.stringify(batch.events));
    this.#end = textOf(batch.cursor);
    if (this.#end === from) return;
    this.#kept.set(from, { from, batch, bytes });
    this.#events += batch.events.length;
    this.#bytes += bytes;
    for (const oldest of this.#kept.values()) {
      if (this.#events <= this.#maxEvents && this.#bytes <= this.#maxBytes) return;
      this.#forget(oldest);
    }
  }

  #forget({ from, batch, bytes }: Kept): void {
    this.#kept.delete(from);
    this.#events -= batch.events.length;
    this.#bytes -= bytes;
  }

  #clear(): void {
    for (const kept of this.#kept.values()) this.#forget(kept);
    this.#end = undefined;
  }

  #restAfter(text: string): Batch | undefined {
    for (const { batch } of this.#kept.values()) {
      const { events, cursor, cursorAt } = batch;
      if (cursorAt === undefined) continue;
      for (let count = 1; count < events.length; count += 1) {
        if (textOf(cursorAt(count)) !== text) continue;
        return { events: events.slice(count), cursor, cursorAt: (more) => cursorAt(count + more) };
      }
    }
    return undefined;
  }
}

/** Of undefined too, which JSON does not know. */
function textOf(cursor: unknown): string {
  return JSON.stringify(cursor) ?? '';
}
