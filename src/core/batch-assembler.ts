import type { SourceEvent } from './event.js';
import { isCuttable, type Slice } from './frontier.js';
import { gapToStopAt } from './gap-policy.js';
import type { Iteration } from './iteration.js';
import { Patience } from './patience.js';
import type { Delivery } from './settler.js';

// Taken at load: a test that replaces the global timers must not be able to stop an iteration.
const { setImmediate } = globalThis;

export interface BatchLimits {
  /** Whether batches without events are handed on: what saves cursor and state needs them. Default false. */
  emptyBatches?: boolean | undefined;
  maxEvents?: number | undefined;
  maxBytes?: number | undefined;
  maxWaitMs?: number | undefined;
}

/** So many events in a row are handed out before timers and I/O get their turn. */
const EVENTS_PER_TURN = 4096;

/** Events of a source without batches of its own that make one batch where nothing is said. */
const DEFAULT_SINGLE_EVENTS = 1_000;

type Arrival = { delivery: Delivery | undefined };

/**
 * Makes the consumer's batches out of what the source delivers. Without limits a batch of the source is handed on as
 * it is; with limits it is cut where it may be, and filled with what is ready or comes within the wait.
 */
export class BatchAssembler {
  readonly #iteration: Iteration;
  readonly #limits: BatchLimits;
  #left: number;
  /** A delivery whose events from `from` to `end` were not handed out yet. */
  #rest: { delivery: Delivery; from: number; end: number } | undefined;
  #coming: Promise<Arrival> | undefined;
  #failure: { error: unknown } | undefined;
  #ended = false;
  #untilTurn = EVENTS_PER_TURN;

  constructor(iteration: Iteration, limits: BatchLimits, limit: number | undefined) {
    this.#iteration = iteration;
    this.#limits = limits;
    this.#left = limit ?? Number.POSITIVE_INFINITY;
  }

  /** The slices of the next batch; undefined at the end. Rejects when the source failed and nothing good is left. */
  async next(): Promise<readonly Slice[] | undefined> {
    if (this.#untilTurn <= 0) await this.#turn();
    const first = await this.#first();
    if (first === undefined) {
      if (this.#failure !== undefined) throw this.#failure.error;
      return undefined;
    }
    const slices = [first];
    if (this.#fills) await this.#fill(slices);
    return slices;
  }

  async #turn(): Promise<void> {
    this.#untilTurn = EVENTS_PER_TURN;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  get #fills(): boolean {
    const { maxEvents, maxBytes, maxWaitMs } = this.#limits;
    const limited = maxEvents !== undefined || maxBytes !== undefined || maxWaitMs !== undefined;
    return limited || this.#iteration.upstream.kind === 'events';
  }

  get #maxEvents(): number {
    const single = this.#iteration.upstream.kind === 'events' ? DEFAULT_SINGLE_EVENTS : Number.POSITIVE_INFINITY;
    return this.#limits.maxEvents ?? single;
  }

  async #first(): Promise<Slice | undefined> {
    for (;;) {
      if (this.#left <= 0) return undefined;
      if (this.#rest === undefined && !(await this.#arrive(undefined))) return undefined;
      const slice = this.#take(this.#maxEvents, this.#limits.maxBytes ?? Number.POSITIVE_INFINITY, true);
      if (slice !== undefined) return slice;
    }
  }

  async #fill(slices: Slice[]): Promise<void> {
    const room = new Room(this.#maxEvents, this.#limits.maxBytes, slices);
    const { runtime, signal } = this.#iteration;
    const patience = new Patience(this.#limits.maxWaitMs, runtime.clock, signal);
    while (room.events > 0 && room.bytes > 0 && this.#left > 0) {
      if (this.#rest === undefined && !(await this.#arrive(patience.over))) break;
      const slice = this.#take(room.events, room.bytes, false);
      if (slice === undefined) {
        if (this.#rest !== undefined) break;
        continue;
      }
      slices.push(slice);
      room.use(slice);
    }
    patience.end();
  }

  /** Waits for a delivery, not beyond `over`; one that comes later is kept for the next batch. */
  async #arrive(over: Promise<'over'> | undefined): Promise<boolean> {
    if (this.#ended) return false;
    this.#coming ??= this.#read();
    const arrival = over === undefined ? await this.#coming : await Promise.race([this.#coming, over]);
    if (arrival === 'over') return false;
    this.#coming = undefined;
    if (arrival.delivery === undefined) {
      this.#ended = true;
      return false;
    }
    this.#rest = { delivery: arrival.delivery, from: 0, end: this.#endOf(arrival.delivery) };
    return true;
  }

  async #read(): Promise<Arrival> {
    try {
      const { upstream } = this.#iteration;
      return { delivery: upstream.kind === 'batches' ? await this.#iteration.readBatch() : await this.#readEvent() };
    } catch (error) {
      this.#failure = { error };
      return { delivery: undefined };
    }
  }

  async #readEvent(): Promise<Delivery | undefined> {
    const { upstream, runtime } = this.#iteration;
    const result = await upstream.iterator.next();
    if (result.done === true) return undefined;
    runtime.activity.batches += 1;
    const event = result.value as SourceEvent;
    return this.#iteration.receive({ events: [event], cursor: runtime.made.takeCursor(event) });
  }

  /** Takes up to so many events of what arrived; a batch that must not be cut is taken whole, or left if `whole` is false. */
  #take(maxEvents: number, maxBytes: number, whole: boolean): Slice | undefined {
    if (this.#rest === undefined) return undefined;
    const { delivery, from, end } = this.#rest;
    if (from === end) return this.#takeEmpty(delivery);
    let to = Math.min(end, from + Math.min(maxEvents, this.#left));
    if (maxBytes !== Number.POSITIVE_INFINITY) to = endWithin(delivery.batch.events, from, to, maxBytes, whole);
    if (to < end && !isCuttable(delivery)) to = whole ? end : from;
    if (to === from) return undefined;
    this.#rest = to < end ? { delivery, from: to, end } : undefined;
    this.#left -= to - from;
    this.#untilTurn -= to - from;
    return this.#iteration.frontier.hand(delivery, from, to);
  }

  /** A batch without events still moves the cursor; one that begins with a gap does not. */
  #takeEmpty(delivery: Delivery): Slice | undefined {
    this.#rest = undefined;
    if (delivery.batch.events.length > 0) return undefined;
    const { frontier } = this.#iteration;
    const slice = frontier.hand(delivery, 0, 0);
    if (this.#limits.emptyBatches === true) return slice;
    frontier.acknowledge(slice, 0);
    return undefined;
  }

  /** The end of the batch, or the gap in it that must not be passed. */
  #endOf(delivery: Delivery): number {
    const { events } = delivery.batch;
    const gap = gapToStopAt(this.#iteration.runtime, events);
    if (gap === undefined) return events.length;
    this.#failure = gap;
    this.#ended = true;
    return gap.at;
  }
}

/** What still fits into a batch. */
class Room {
  events: number;
  bytes: number;

  constructor(maxEvents: number, maxBytes: number | undefined, used: readonly Slice[]) {
    this.events = maxEvents;
    this.bytes = maxBytes ?? Number.POSITIVE_INFINITY;
    for (const slice of used) this.use(slice);
  }

  use({ delivery, from, to }: Slice): void {
    this.events -= to - from;
    if (this.bytes === Number.POSITIVE_INFINITY) return;
    for (const event of delivery.batch.events.slice(from, to)) this.bytes -= sizeOf(event);
  }
}

function endWithin(events: readonly SourceEvent[], from: number, to: number, maxBytes: number, one: boolean): number {
  let bytes = 0;
  for (let at = from; at < to; at += 1) {
    bytes += sizeOf(events[at]);
    if (bytes > maxBytes) return one && at === from ? at + 1 : at;
  }
  return to;
}

function sizeOf(event: SourceEvent | undefined): number {
  return Buffer.byteLength(JSON.stringify(event) ?? '');
}
