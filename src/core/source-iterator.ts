import { Calls } from './calls.js';
import { type Ending, Iteration, type IterationOptions } from './iteration.js';
import type { SourceRuntime } from './source-runtime.js';

const DONE = { value: undefined, done: true } as const;

/**
 * What the per-event and the batch iterator have in common: `next()` calls answered in order, and every way an
 * iteration ends. Hand-written, since an async generator cannot answer `return()` while its upstream hangs.
 */
export abstract class SourceIterator<T> {
  protected readonly calls = new Calls<T>();
  protected readonly iteration: Iteration;
  protected readonly runtime: SourceRuntime;
  /** The consumer was told that there is no more. */
  #over = false;
  #begun = false;

  constructor(runtime: SourceRuntime, options: IterationOptions) {
    this.runtime = runtime;
    this.iteration = new Iteration(runtime, options, {
      stopped: (ending) => this.#stopped(ending),
      count: () => this.count(),
      isConsumerBusy: () => !this.#over && this.calls.isEmpty,
    });
  }

  /** Everything handed out so far is done with. */
  protected abstract acknowledge(): void;

  /** Answers the oldest call, now or later; ends with `served`. */
  protected abstract read(): void | Promise<void>;

  /** Brings the statistics up to date. */
  protected count(): void {}

  /** Nothing that was read ahead is handed out any more. */
  protected abstract dropBuffered(): void;

  /** Asks for one more: acknowledges what is in hand, unless an earlier call is still open. */
  protected ask(mayAcknowledge: boolean): Promise<IteratorResult<T, void>> {
    if (this.#over) return Promise.resolve(DONE);
    if (!this.calls.isEmpty) return this.calls.open();
    if (mayAcknowledge && this.#begun) this.acknowledge();
    const answer = this.calls.open();
    this.serve();
    return answer;
  }

  /** Goes on with the oldest open call. */
  protected serve(): void {
    if (this.iteration.ending !== undefined) void this.#conclude(true);
    else if (!this.#begun) void this.#begin();
    else void this.read();
  }

  /** The oldest call was answered. */
  protected served(): void {
    if (!this.calls.isEmpty) this.serve();
  }

  async return(): Promise<IteratorResult<T, void>> {
    return this.#leave(undefined);
  }

  async throw(error: unknown): Promise<IteratorResult<T, void>> {
    await this.#leave(error ?? new Error('thrown into the iteration'));
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #begin(): Promise<void> {
    this.#begun = true;
    try {
      await this.iteration.start();
    } catch (error) {
      this.#over = true;
      this.calls.refuse(error);
      return;
    }
    this.begun();
    if (!this.calls.isEmpty && this.iteration.ending === undefined) this.serve();
  }

  /** The source was opened. */
  protected begun(): void {}

  async #leave(error: unknown): Promise<IteratorResult<T, void>> {
    if (this.#over) return DONE;
    this.#over = true;
    if (!this.#begun) return DONE;
    const wasWaiting = !this.calls.isEmpty;
    this.iteration.stop({ kind: 'returned' });
    const released = this.iteration.finishWithinGrace(error);
    if (wasWaiting) return DONE;
    await released;
    if (this.iteration.failure !== undefined && error === undefined) throw this.iteration.failure.error;
    return DONE;
  }

  #stopped(ending: Ending): void {
    this.dropBuffered();
    if (this.calls.isEmpty) return;
    void this.#conclude(ending.kind !== 'closed' && ending.kind !== 'returned');
  }

  /** Answers the open calls for the last time, after the source was released where that can be waited for. */
  async #conclude(waitForRelease: boolean): Promise<void> {
    const { ending } = this.iteration;
    if (ending === undefined || this.#over) return this.calls.end();
    this.#over = true;
    if (ending.kind === 'aborted') this.calls.refuse(ending.error);
    else if (!waitForRelease) this.calls.end();
    const released = this.release();
    if (waitForRelease) await released;
    if (ending.kind === 'failed') this.calls.refuse(ending.error);
    else if (this.iteration.failure !== undefined) this.calls.refuse(this.iteration.failure.error);
    else this.calls.end();
  }

  /** Lets go of the source; the batch iterator waits for explicit settlement first. */
  protected release(): Promise<void> {
    return this.iteration.finishWithinGrace();
  }
}
