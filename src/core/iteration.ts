import { Autosaver } from './autosave.js';
import { checkReadOptions } from './check-read-options.js';
import { NOT_NEEDED } from './clock.js';
import { FatalError } from './errors.js';
import type { SourceEvent } from './event.js';
import { Frontier } from './frontier.js';
import { IterationState } from './iteration-state.js';
import type { BatchOptions, ReadContext, SourceBatch } from './read-options.js';
import type { Delivery } from './settler.js';
import type { ActivityObserver } from './source-activity.js';
import type { SourceRuntime, Upstream } from './source-runtime.js';
import type { SourceStatus } from './status.js';
import { toError } from './thrown.js';

/** Why an iteration ends. */
export type Ending =
  | { kind: 'completed' | 'returned' | 'closed' | 'until' }
  | { kind: 'aborted' | 'failed'; error: unknown };

export interface IterationOptions extends Omit<BatchOptions, 'settlement'> {
  maxEvents: number;
  /** false: somebody else saves the cursor. */
  autosave?: boolean | undefined;
}

/** The iterator on top of an iteration. */
export interface IterationObserver extends ActivityObserver {
  stopped(ending: Ending): void;
}

/**
 * The life of one iteration over a source: opened at the first `next()`, stopped once for one reason, released once.
 * How a consumer asks and acknowledges is the business of the iterators built on it.
 */
export class Iteration {
  readonly runtime: SourceRuntime;
  readonly options: IterationOptions;
  readonly #controller = new AbortController();
  readonly #cleanups: (() => void | Promise<void>)[] = [];
  readonly #observer: IterationObserver;
  #frontier: Frontier | undefined;
  #upstream: Upstream | undefined;
  #autosaver: Autosaver | undefined;
  /** The iteration before, which may still be letting go. */
  #previous: Iteration | undefined;
  #closing: Promise<void> | undefined;
  #released: Promise<void> | undefined;
  #isClaimed = false;
  #isGivenUp = false;
  /** The first thing that went wrong while settling or releasing. */
  failure: { error: unknown } | undefined;
  ending: Ending | undefined;

  constructor(runtime: SourceRuntime, options: IterationOptions, observer: IterationObserver) {
    this.runtime = runtime;
    this.options = options;
    this.#observer = observer;
  }

  get acknowledges(): boolean {
    return this.options.acknowledge !== false;
  }

  /** Fires when the iteration ends for any reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get hasBegun(): boolean {
    return this.#frontier !== undefined;
  }

  get frontier(): Frontier {
    if (this.#frontier === undefined) throw new Error('the iteration has not begun');
    return this.#frontier;
  }

  get upstream(): Upstream {
    if (this.#upstream === undefined) throw new Error('the iteration has not begun');
    return this.#upstream;
  }

  /** The frontier, where this iteration moves the source's. */
  get movingFrontier(): Frontier | undefined {
    return this.acknowledges ? this.#frontier : undefined;
  }

  /** Acknowledged events beyond the last autosave are saved when there are this many. */
  get savesByCount(): boolean {
    return this.#autosaver?.savesByCount ?? false;
  }

  /** Waits for the cleanup of an earlier iteration, then opens the source at its frontier. */
  async start(): Promise<void> {
    const { runtime, options } = this;
    checkReadOptions(runtime, options);
    assertNotIterated(runtime);
    this.#previous = runtime.iteration;
    this.#isClaimed = true;
    runtime.iteration = this;
    if (options.signal?.aborted === true) return this.stop({ kind: 'aborted', error: options.signal.reason });
    if (runtime.closed) return this.stop({ kind: 'closed' });
    this.#listen();
    await this.#finishPrevious();
    if (this.ending === undefined) this.#open();
  }

  /** The next batch of a source that reads in batches, or undefined at its end. */
  async readBatch(): Promise<Delivery | undefined> {
    const room = this.frontier.room();
    if (room !== undefined) await room;
    if (this.ending !== undefined) return undefined;
    const { iterator } = this.upstream as Extract<Upstream, { kind: 'batches' }>;
    const result = await iterator.next();
    if (result.done === true) return undefined;
    this.runtime.activity.batches += 1;
    return this.receive(result.value);
  }

  /** Takes charge of a batch: from here on its settle calls are owed. */
  receive(batch: SourceBatch<SourceEvent, unknown>): Delivery {
    const changes = this.#isGivenUp ? undefined : this.runtime.ledger.seal();
    return this.frontier.receive(this.acknowledges ? batch : withoutSettling(batch), changes);
  }

  /** Counts acknowledged events for an autosave by number. */
  noteAcknowledged(): void {
    this.#autosaver?.noteAcknowledged();
  }

  /** Ends the iteration for the first reason given; later ones are ignored. */
  stop(ending: Ending): void {
    if (this.ending !== undefined) return;
    this.ending = ending;
    this.options.signal?.removeEventListener('abort', this.#abort);
    this.#controller.abort('error' in ending ? ending.error : new DOMException('the iteration ended', 'AbortError'));
    this.#closing = this.#closeUpstream();
    this.runtime.activity.status = statusAfter(ending, this.runtime);
    this.#observer.stopped(ending);
  }

  /**
   * The consumer takes no more: what is unacknowledged is given up, upstream is told, what was opened is released.
   * Idempotent; never rejects (see `failure`).
   */
  finish(error?: unknown): Promise<void> {
    this.#released ??= this.#release(error);
    return this.#released;
  }

  /** `finish`, waited for at most the source's grace period. */
  finishWithinGrace(error?: unknown): Promise<void> {
    return within(this.finish(error), this.runtime.closeGraceMs, this.runtime);
  }

  /** Saves the acknowledged frontier now, where somebody keeps it. */
  async flush(): Promise<void> {
    await this.#autosaver?.flush();
  }

  readonly #abort = (): void => {
    this.stop({ kind: 'aborted', error: this.options.signal?.reason });
  };

  #listen(): void {
    const { options, runtime } = this;
    options.signal?.addEventListener('abort', this.#abort, { once: true });
    if (options.until === undefined) return;
    const wait = options.until.getTime() - runtime.clock.now();
    if (wait <= 0) return this.stop({ kind: 'until' });
    runtime.clock.sleep(wait, this.#controller.signal).then(
      () => this.stop({ kind: 'until' }),
      () => {},
    );
  }

  #open(): void {
    const { runtime, options } = this;
    this.#frontier = new Frontier(runtime, this.acknowledges, (error) => this.#fail(error));
    if (runtime.keeper !== undefined && options.autosave !== false && this.acknowledges) {
      this.#autosaver = new Autosaver(runtime, runtime.keeper, (error) => this.#fail(error));
      this.#autosaver.start(this.#controller.signal);
    }
    runtime.activity.started(this.#observer);
    try {
      this.#upstream = runtime.open(this.#context());
    } catch (error) {
      this.stop({ kind: 'failed', error });
    }
  }

  #context(): ReadContext<unknown> {
    const { runtime, options } = this;
    return {
      cursor: runtime.cursor,
      state: new IterationState(runtime.ledger, () => this.#isGivenUp),
      signal: this.#controller.signal,
      follow: options.follow === true || runtime.capabilities.kind === 'push',
      until: options.until,
      maxEvents: options.maxEvents,
      defer: (cleanup) => {
        this.#cleanups.push(cleanup);
      },
    };
  }

  #fail(error: unknown): void {
    this.failure ??= { error };
    if (this.ending !== undefined) this.#warn(error, 'an iteration that had ended failed afterwards');
    this.stop({ kind: 'failed', error });
  }

  async #finishPrevious(): Promise<void> {
    const previous = this.#previous;
    if (previous === undefined) return;
    await within(previous.finish(), this.runtime.closeGraceMs, this.runtime);
    this.#previous = undefined;
  }

  async #release(error: unknown): Promise<void> {
    const { runtime } = this;
    if (!this.#isClaimed) return;
    this.stop({ kind: 'returned' });
    if (this.#frontier !== undefined) this.#giveUp(this.#frontier, error);
    await this.#finishPrevious();
    await within(this.#closing ?? Promise.resolve(), runtime.closeGraceMs, runtime);
    if (this.#frontier !== undefined) await within(this.#frontier.settled(), runtime.closeGraceMs, runtime);
    await this.#attempt(() => this.flush());
    for (const cleanup of this.#cleanups.reverse()) await this.#attempt(cleanup);
    if (runtime.iteration === this) runtime.iteration = undefined;
  }

  /** At once, so that nothing a source does late can change where the next iteration begins. */
  #giveUp(frontier: Frontier, error: unknown): void {
    const { runtime } = this;
    frontier.release(error);
    if (this.acknowledges) runtime.cursor = frontier.cursor;
    this.#isGivenUp = true;
    runtime.ledger.rollback();
    runtime.activity.ended(this.#observer);
  }

  async #closeUpstream(): Promise<void> {
    await this.#attempt(async () => {
      await this.#upstream?.iterator.return?.();
    });
  }

  async #attempt(action: () => void | Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.failure ??= { error };
      this.#warn(error, 'releasing a source failed');
    }
  }

  #warn(error: unknown, message: string): void {
    this.runtime.logger.warn({ error, sourceId: this.runtime.id }, message);
  }
}

/** Resolves with the promise, or after `ms`, whichever is first. */
async function within(promise: Promise<void>, ms: number, { clock, logger, id }: SourceRuntime): Promise<void> {
  const timer = new AbortController();
  const late = clock.sleep(ms, timer.signal).then(
    () => logger.warn({ sourceId: id, ms }, 'a source took too long to let go; going on without it'),
    () => {},
  );
  try {
    await Promise.race([promise, late]);
  } finally {
    timer.abort(NOT_NEEDED);
  }
}

function withoutSettling(batch: SourceBatch<SourceEvent, unknown>): SourceBatch<SourceEvent, unknown> {
  return {
    events: batch.events,
    cursor: batch.cursor,
    ...(batch.cursorAt && { cursorAt: (count) => batch.cursorAt?.(count) }),
  };
}

function statusAfter(ending: Ending, { closed }: SourceRuntime): SourceStatus {
  if (closed) return { state: 'closed' };
  return ending.kind === 'failed' ? { state: 'failed', error: toError(ending.error) } : { state: 'idle' };
}

/** @throws FatalError (ITERATION_RUNNING): one iteration at a time. */
export function assertNotIterated({ id, iteration }: SourceRuntime): void {
  if (iteration === undefined || iteration.ending !== undefined) return;
  throw new FatalError(
    `source "${id}" is already being iterated: end that iteration first, or create a second source with another id`,
    { code: 'ITERATION_RUNNING', sourceId: id },
  );
}
