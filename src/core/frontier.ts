import type { SourceEvent } from './event.js';
import type { StateChanges } from './keyed-state.js';
import type { SourceBatch } from './read-options.js';
import { type Delivery, Settler } from './settler.js';
import type { SourceActivity } from './source-activity.js';
import type { SourceRuntime } from './source-runtime.js';
import type { StateLedger } from './state-ledger.js';

/** A run of events of one delivery, handed to the consumer as one. */
export interface Slice {
  readonly delivery: Delivery;
  readonly from: number;
  readonly to: number;
  /** How many of its events were acknowledged; -1 for a slice without events until that is. */
  acknowledged: number;
  rejection: { error: unknown } | undefined;
}

/**
 * The end of the contiguous acknowledged prefix: the cursor, the committed state and what upstream was told.
 * Slices may be acknowledged in any order; nothing moves past one that is not.
 */
export class Frontier {
  readonly #ledger: StateLedger;
  readonly #activity: SourceActivity;
  readonly #settler: Settler;
  readonly #inFlight: Slice[] = [];
  #position: unknown;
  #blocked = false;
  #released: boolean;
  #whenEmpty: (() => void) | undefined;
  /** Called before the frontier is looked at: a per-event iterator counts its acknowledgements lazily. */
  beforeLook: (() => void) | undefined;

  /** One that does not move (`acknowledge: false`) ignores every acknowledgement. */
  constructor(runtime: SourceRuntime, moves: boolean, onSettleError: (error: unknown) => void) {
    this.#position = runtime.cursor;
    this.#ledger = runtime.ledger;
    this.#activity = runtime.activity;
    this.#released = !moves;
    this.#settler = new Settler(onSettleError);
  }

  get cursor(): unknown {
    this.beforeLook?.();
    const head = this.#inFlight[0];
    if (head === undefined || head.acknowledged <= 0) return this.#position;
    return positionAt(head.delivery, head.from + head.acknowledged, this.#position);
  }

  /** A batch arrived; its settle calls queue behind those of earlier ones. */
  receive(batch: SourceBatch<SourceEvent, unknown>, changes: StateChanges | undefined): Delivery {
    const delivery: Delivery = { batch, changes, granted: 0, settled: 0, final: false, error: undefined };
    if (batch.settle === undefined) return delivery;
    this.#settler.add(delivery);
    if (this.#released) this.#settler.finish(undefined);
    return delivery;
  }

  hand(delivery: Delivery, from: number, to: number): Slice {
    const slice: Slice = { delivery, from, to, acknowledged: to > from ? 0 : -1, rejection: undefined };
    if (!this.#released) this.#inFlight.push(slice);
    return slice;
  }

  /** Slices that nobody will ever see: the last ones handed. */
  takeBack(slices: readonly Slice[]): void {
    const first = this.#inFlight.indexOf(slices[0] as Slice);
    if (first >= 0) this.#inFlight.length = first;
    if (this.#inFlight.length === 0) this.#whenEmpty?.();
  }

  /** The first `count` events of the slice are done with. */
  acknowledge(slice: Slice, count: number): void {
    if (this.#released || slice.rejection !== undefined || count <= slice.acknowledged) return;
    this.#activity.acknowledged += count - Math.max(0, slice.acknowledged);
    slice.acknowledged = count;
    if (slice === this.#inFlight[0]) this.#advance();
  }

  /** The frontier stops before this slice for good. */
  reject(slice: Slice, error: unknown): void {
    if (this.#released || slice.acknowledged === slice.to - slice.from) return;
    slice.rejection = { error };
    if (slice === this.#inFlight[0]) this.#advance();
  }

  /** Events of a `read()` source were acknowledged: the short way, for what never has anything to settle. */
  moveTo(cursor: unknown, events: number): void {
    if (this.#released) return;
    this.#activity.acknowledged += events;
    if (cursor !== undefined) this.#position = cursor;
  }

  /** State changes that came with such events. */
  commit(changes: readonly StateChanges[]): void {
    if (this.#released) return;
    for (const some of changes) this.#ledger.commit(some);
  }

  /** Resolves when every slice was acknowledged or rejected. */
  async emptied(): Promise<void> {
    if (this.#inFlight.length === 0 || this.#blocked || this.#released) return;
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
  }

  /** What there is to wait for before more is read, so that what upstream was not told yet does not pile up. */
  room(): Promise<void> | undefined {
    return this.#settler.room();
  }

  /** Gives up what is in flight and tells upstream for the last time; from here on nothing moves. */
  release(error: unknown): void {
    this.#position = this.cursor;
    this.#released = true;
    this.#inFlight.length = 0;
    this.#whenEmpty?.();
    this.#settler.finish(error);
  }

  /** Resolves when upstream has been told. */
  settled(): Promise<void> {
    return this.#settler.idle();
  }

  #advance(): void {
    for (let head = this.#inFlight[0]; head !== undefined && !this.#blocked; head = this.#inFlight[0]) {
      const { delivery } = head;
      delivery.granted = head.from + Math.max(0, head.acknowledged);
      if (head.acknowledged < head.to - head.from) {
        if (head.rejection !== undefined) this.#block(delivery, head.rejection.error);
        this.#settler.tell();
        return;
      }
      this.#inFlight.shift();
      this.#position = positionAt(delivery, head.to, this.#position);
      if (head.to === delivery.batch.events.length) this.#complete(delivery);
      this.#settler.tell();
    }
    if (this.#inFlight.length === 0) this.#whenEmpty?.();
  }

  #block(delivery: Delivery, error: unknown): void {
    this.#blocked = true;
    delivery.final = true;
    delivery.error = error;
    this.#whenEmpty?.();
  }

  #complete(delivery: Delivery): void {
    delivery.final = true;
    if (delivery.changes !== undefined) this.#ledger.commit(delivery.changes);
  }
}

/** The position after `count` events of a delivery; the one before where the batch cannot be cut there. */
export function positionAt({ batch, changes }: Delivery, count: number, before: unknown): unknown {
  if (count === batch.events.length && batch.cursor !== undefined) return batch.cursor;
  if (count > 0 && batch.cursorAt !== undefined && (changes === undefined || count === batch.events.length)) {
    return batch.cursorAt(count);
  }
  return before;
}

/** Whether a batch may be handed out in parts. */
export function isCuttable({ batch, changes }: Delivery): boolean {
  return changes === undefined && (batch.cursorAt !== undefined || batch.cursor === undefined);
}
