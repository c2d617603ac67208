import { FatalError } from './errors.js';
import type { SourceEvent } from './event.js';
import { type Frontier, isCuttable, positionAt, type Slice } from './frontier.js';
import type { StateChanges } from './keyed-state.js';
import type { EventBatch, EventFailure } from './read-options.js';

/** A batch in the consumer's hand: slices of one or more deliveries. */
export class InFlightBatch implements EventBatch<SourceEvent, unknown> {
  readonly events: readonly SourceEvent[];
  readonly cursor: unknown;
  /** What acknowledging it commits; a pipeline saves it together with the cursor. */
  readonly changes: readonly StateChanges[];
  readonly #frontier: Frontier;
  readonly #slices: readonly Slice[];
  readonly #before: unknown;
  readonly #onAcknowledged: () => void;

  constructor(frontier: Frontier, slices: readonly Slice[], before: unknown, onAcknowledged: () => void) {
    this.#frontier = frontier;
    this.#slices = slices;
    this.#before = before;
    this.#onAcknowledged = onAcknowledged;
    this.events = eventsOf(slices);
    this.cursor = slices.reduce((position, { delivery, to }) => positionAt(delivery, to, position), before);
    this.changes = slices.flatMap(({ delivery, to }) =>
      delivery.changes !== undefined && to === delivery.batch.events.length ? [delivery.changes] : [],
    );
  }

  /** The position after the first `count` events; undefined where the batch must not be cut there. */
  cursorAfter(count: number): { cursor: unknown } | undefined {
    let position = this.#before;
    let left = count;
    for (const { delivery, from, to } of this.#slices) {
      const taken = Math.min(left, to - from);
      if (taken < to - from && taken > 0 && !isCuttable(delivery)) return undefined;
      if (taken > 0) position = positionAt(delivery, from + taken, position);
      left -= taken;
    }
    return { cursor: position };
  }

  async ack(): Promise<void> {
    this.acknowledge();
  }

  async reject(error: unknown): Promise<void> {
    for (const slice of this.#slices) this.#frontier.reject(slice, error ?? new Error('rejected'));
  }

  /**
   * Has upstream keep an event of this batch that failed for good. Before the batch is acknowledged.
   * @throws FatalError (NOT_SET_ASIDE) where the source cannot: the event would be nowhere
   */
  async setAside(event: SourceEvent, failure: EventFailure): Promise<void> {
    for (const { delivery, from, to } of this.#slices) {
      const at = delivery.batch.events.indexOf(event, from);
      if (at === -1 || at >= to || delivery.batch.setAside === undefined) continue;
      return delivery.batch.setAside(at, failure);
    }
    const { id, type, sourceid } = event;
    const message = `source "${sourceid}" has no place upstream for event ${id} (${type}), although it says so`;
    throw new FatalError(message, { code: 'NOT_SET_ASIDE', sourceId: sourceid, cause: failure.error });
  }

  acknowledge(): void {
    for (const slice of this.#slices) this.#frontier.acknowledge(slice, slice.to - slice.from);
    this.#onAcknowledged();
  }
}

/** The array of the source itself wherever the batch is the whole of it. */
function eventsOf(slices: readonly Slice[]): readonly SourceEvent[] {
  const [only] = slices;
  if (slices.length === 1 && only !== undefined) return cut(only);
  return slices.flatMap(cut);
}

function cut({ delivery, from, to }: Slice): readonly SourceEvent[] {
  const { events } = delivery.batch;
  return from === 0 && to === events.length ? events : events.slice(from, to);
}
