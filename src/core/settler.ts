import type { SourceEvent } from './event.js';
import { faultPoint } from './fault-point.js';
import type { StateChanges } from './keyed-state.js';
import type { SourceBatch } from './read-options.js';

/** A batch on its way through a consumer. */
export interface Delivery {
  readonly batch: SourceBatch<SourceEvent, unknown>;
  readonly changes: StateChanges | undefined;
  /** How many of its events the frontier has passed. */
  granted: number;
  /** How many of them upstream was told. */
  settled: number;
  /** Nothing more will be granted. */
  final: boolean;
  error: unknown;
}

/** So many deliveries that are done with may wait to be told upstream; each of them is held with its events. */
const MOST_WAITING = 8;

/** Tells upstream what was acknowledged: in order, one call at a time, calls that waited melted into one. */
export class Settler {
  readonly #queue: Delivery[] = [];
  readonly #onError: (error: unknown) => void;
  #running: Promise<void> | undefined;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  add(delivery: Delivery): void {
    this.#queue.push(delivery);
  }

  /** Something was granted. */
  tell(): void {
    if (this.#running !== undefined || !isDue(this.#queue[0])) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Every delivery left gets its last call. */
  finish(error: unknown): void {
    for (const delivery of this.#queue) {
      delivery.final = true;
      delivery.error ??= error;
    }
    this.tell();
  }

  /** Where upstream is slower to be told than the consumer is: resolves when it has been told; undefined if it is not. */
  room(): Promise<void> | undefined {
    return this.#queue[MOST_WAITING - 1]?.final === true ? this.idle() : undefined;
  }

  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    for (let head = this.#queue[0]; isDue(head); head = this.#queue[0]) {
      const { granted, final, error } = head;
      head.settled = granted;
      if (final) this.#queue.shift();
      try {
        // Waited for only where there is something to wait for: this happens for every event of a receiver.
        const before = faultPoint('settle.before');
        if (before !== undefined) await before;
        const settled = head.batch.settle?.(granted, error === undefined ? { final } : { final, error });
        if (settled !== undefined) await settled;
        const after = faultPoint('settle.after');
        if (after !== undefined) await after;
      } catch (failure) {
        this.#onError(failure);
      }
    }
  }
}

function isDue(delivery: Delivery | undefined): delivery is Delivery {
  return delivery !== undefined && (delivery.final || delivery.granted > delivery.settled);
}
