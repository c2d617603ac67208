import { BatchAssembler } from './batch-assembler.js';
import { InFlightBatch } from './event-batch.js';
import type { Slice } from './frontier.js';
import type { IterationOptions } from './iteration.js';
import type { BatchOptions } from './read-options.js';
import { SourceIterator } from './source-iterator.js';
import type { SourceRuntime } from './source-runtime.js';

export interface BatchIteratorOptions extends BatchOptions {
  /** Whether batches without events are handed out too. Default false: they only move the frontier. */
  emptyBatches?: boolean | undefined;
}

/** Batches, acknowledged by asking for the next ('pull') or one by one ('explicit'). */
export class BatchIterator extends SourceIterator<InFlightBatch> implements AsyncGenerator<InFlightBatch, void> {
  readonly #assembler: BatchAssembler;
  readonly #isExplicit: boolean;
  /** Batches handed out that asking for the next acknowledges. */
  #inHand: InFlightBatch[] = [];
  /** Position after the last batch handed out. */
  #position: unknown;

  constructor(runtime: SourceRuntime, options: IterationOptions, { settlement, ...limits }: BatchIteratorOptions) {
    super(runtime, options);
    this.#assembler = new BatchAssembler(this.iteration, limits, options.limit);
    this.#isExplicit = settlement === 'explicit';
  }

  next(): Promise<IteratorResult<InFlightBatch, void>> {
    return this.ask(true);
  }

  /** Stops reading; what is in work may still be settled. */
  stop(): void {
    this.iteration.stop({ kind: 'closed' });
  }

  /** Gives up what was not settled and lets go of the source; rejects with what went wrong in doing so. */
  async released(): Promise<void> {
    await this.iteration.finishWithinGrace();
    if (this.iteration.failure !== undefined) throw this.iteration.failure.error;
  }

  protected override begun(): void {
    this.#position = this.runtime.cursor;
  }

  protected acknowledge(): void {
    if (this.#isExplicit || !this.iteration.acknowledges) return;
    for (const batch of this.#inHand) batch.acknowledge();
    this.#inHand = [];
  }

  protected dropBuffered(): void {}

  protected async read(): Promise<void> {
    try {
      const slices = await this.#assembler.next();
      if (this.iteration.ending !== undefined) this.iteration.frontier.takeBack(slices ?? []);
      else if (slices === undefined) this.iteration.stop({ kind: 'completed' });
      else this.#answer(slices);
    } catch (error) {
      this.iteration.stop({ kind: 'failed', error });
    }
  }

  #answer(slices: readonly Slice[]): void {
    const { iteration, runtime } = this;
    const batch = new InFlightBatch(iteration.frontier, slices, this.#position, () => iteration.noteAcknowledged());
    this.#position = batch.cursor;
    if (!this.#isExplicit) this.#inHand.push(batch);
    runtime.activity.events += batch.events.length;
    runtime.activity.received();
    this.calls.answer({ value: batch, done: false });
    this.served();
  }

  /** Batches that are still being worked on may be settled after the last one was handed out. */
  protected override release(): Promise<void> {
    if (!this.#isExplicit || this.iteration.ending === undefined) return super.release();
    void this.#releaseWhenSettled();
    return Promise.resolve();
  }

  async #releaseWhenSettled(): Promise<void> {
    if (this.iteration.hasBegun) await this.iteration.frontier.emptied();
    await this.iteration.finish();
  }
}
