import { saveFrontier } from '../core/autosave.js';
import { BatchIterator } from '../core/batch-iterator.js';
import type { Clock } from '../core/clock.js';
import { CursorKeeper } from '../core/cursor-keeper.js';
import type { CursorStore } from '../core/cursor-store.js';
import { FatalError } from '../core/errors.js';
import type { SourceEvent } from '../core/event.js';
import type { InFlightBatch } from '../core/event-batch.js';
import { keptSource } from '../core/event-source-factory.js';
import { faultPoint } from '../core/fault-point.js';
import { assertNotIterated } from '../core/iteration.js';
import { runtimeOf, type SourceRuntime } from '../core/source-runtime.js';
import { messageOf } from '../core/thrown.js';
import { retry } from '../toolkit/retry.js';
import { BatchWriter } from './batch-writer.js';
import { borrowedRuntime } from './borrowed-runtime.js';
import { toDeadLetter } from './dead-letters/dead-letter.js';
import { DeadLetterBox, type KeepFailed } from './dead-letters/dead-letter-box.js';
import type { IngestOptions, IngestReport } from './ingest-options.js';
import { RunReport } from './ingest-report.js';
import { Lanes } from './lanes.js';
import { type FailedEvent, prepare } from './prepare.js';

type Options = IngestOptions<SourceEvent, unknown, unknown, unknown>;

const DEFAULT_MAX_EVENTS = 500;
const DEFAULT_MAX_DEAD_LETTER_RATIO = 0.5;

/** One run of the pipeline. */
export class IngestRun {
  readonly #options: Options;
  /** What the run reads with: the source's own, or one that is borrowed. */
  #runtime: SourceRuntime;
  readonly #clock: Clock;
  readonly #report: RunReport;
  /** Fires for the sinks when the run is cancelled. */
  readonly #giveUp = new AbortController();
  readonly #writer: BatchWriter;
  #keeper: CursorKeeper | undefined;
  #isStopping = false;
  /** Whether something went wrong before the run was cancelled. */
  #hasFailed = false;

  constructor(options: Options) {
    this.#options = options;
    this.#runtime = runtimeOf(options.source);
    this.#clock = this.#runtime.clock;
    this.#report = new RunReport(options.source.id, this.#clock.now());
    this.#writer = this.#createWriter();
  }

  async run(): Promise<IngestReport> {
    const own = this.#runtime;
    const { keeper } = own;
    try {
      await this.#prepareSource(own);
      await this.#pump();
      return this.#report.finish(this.#isCancelled ? 'cancelled' : 'completed', this.#clock.now());
    } catch (error) {
      if (this.#isCancelled) return this.#cancelled(error);
      throw withReport(error, this.#report.finish('failed', this.#clock.now()));
    } finally {
      // Whoever kept the cursor before goes on with the revisions of this run.
      if (keeper === undefined && own.keeper === this.#keeper) own.keeper = undefined;
    }
  }

  get #isCancelled(): boolean {
    return this.#options.signal?.aborted === true && !this.#hasFailed;
  }

  async #prepareSource(own: SourceRuntime): Promise<void> {
    const { cursorStore, fullRefresh, dryRun } = this.#options;
    assertNotIterated(own);
    // An earlier iteration gives up what it still holds: this run begins where that one got to.
    void own.iteration?.finish();
    const isOwnStore = own.keeper === undefined || own.keeper.store === cursorStore;
    if (dryRun === true || !isOwnStore) this.#runtime = borrowedRuntime(own);
    if (fullRefresh !== true && own.keeper !== undefined && isOwnStore) this.#keeper = own.keeper;
    else if (cursorStore !== undefined) this.#keeper = await this.#load(cursorStore, own);
    else if (fullRefresh === true) this.#begin(undefined, undefined);
    if (this.#runtime === own) await this.#keep(own);
    if (dryRun === true) this.#keeper = undefined;
    this.#report.begin(this.#runtime.cursor);
  }

  async #load(store: CursorStore<unknown>, own: SourceRuntime): Promise<CursorKeeper> {
    const { source, fullRefresh } = this.#options;
    const keeper = new CursorKeeper(keptSource(source), store, { resume: !fullRefresh });
    const saved = await keeper.load();
    assertNotIterated(own);
    if (saved !== undefined || fullRefresh === true) this.#begin(saved?.cursor, keeper);
    return keeper;
  }

  #begin(cursor: unknown, keeper: CursorKeeper | undefined): void {
    this.#runtime.cursor = cursor;
    this.#runtime.ledger.attach(keeper?.state);
  }

  /** What was acknowledged before, and not saved, is saved now: this run saves what it reads, and no more. */
  async #keep(own: SourceRuntime): Promise<void> {
    if (this.#keeper === undefined) return;
    own.keeper = this.#keeper;
    if (own.ledger.hasUnsaved) await saveFrontier(own, this.#keeper);
  }

  async #pump(): Promise<void> {
    const iterator = this.#iterator();
    const lanes = new Lanes(this.#options.concurrency ?? 1, () => {
      this.#noteFailure();
      this.#isStopping = true;
      iterator.stop();
    });
    const giveUp = (): void => {
      this.#giveUp.abort(this.#options.signal?.reason);
      lanes.stop();
    };
    this.#options.signal?.addEventListener('abort', giveUp, { once: true });
    try {
      await this.#read(iterator, lanes);
    } catch (error) {
      this.#noteFailure();
      throw error;
    } finally {
      await this.#settle(lanes);
      this.#options.signal?.removeEventListener('abort', giveUp);
      await iterator.released().finally(() => lanes.throwIfFailed());
    }
  }

  #noteFailure(): void {
    this.#hasFailed ||= this.#options.signal?.aborted !== true;
  }

  async #read(iterator: BatchIterator, lanes: Lanes): Promise<void> {
    for (;;) {
      await lanes.free();
      if (this.#isStopping) return;
      await faultPoint('read.before');
      const result = await iterator.next();
      if (result.done === true) return;
      const batch = result.value;
      await faultPoint('read.after');
      this.#report.count('read', batch.events.length);
      lanes.run(
        () => this.#work(batch),
        (box) => this.#commit(batch, box),
        (error) => batch.reject(error),
      );
    }
  }

  #iterator(): BatchIterator {
    const { batch, signal, follow, until, limit, dryRun } = this.#options;
    const limits = { maxEvents: DEFAULT_MAX_EVENTS, ...batch };
    const reading = { signal, follow, until, limit, acknowledge: dryRun !== true, autosave: false };
    const options = { ...reading, maxEvents: limits.maxEvents ?? DEFAULT_MAX_EVENTS };
    return new BatchIterator(this.#runtime, options, { ...limits, settlement: 'explicit', emptyBatches: true });
  }

  /** Everything up to the sink's answer; may run beside other batches. */
  async #work(batch: InFlightBatch): Promise<DeadLetterBox> {
    const { transform, schema, dryRun } = this.#options;
    const prepared = await prepare(batch.events, { transform: transform as never, schema });
    this.#report.count('filtered', prepared.filtered);
    this.#report.count('gaps', prepared.gaps);
    if (prepared.failed.length > 0 && this.#options.deadLetters === undefined) throw toRunError(prepared.failed);
    const box = this.#createBox(batch);
    box.put(prepared.failed);
    if (dryRun !== true) await this.#writer.write(batch, prepared.outputs, box);
    return box;
  }

  #createBox(batch: InFlightBatch): DeadLetterBox {
    const { dryRun, maxDeadLetterRatio = DEFAULT_MAX_DEAD_LETTER_RATIO } = this.#options;
    const keep: KeepFailed = (...failed) => this.#keepFailed(batch, ...failed);
    return new DeadLetterBox({
      keep: dryRun === true ? undefined : keep,
      maxRatio: maxDeadLetterRatio,
      report: this.#report,
      clock: this.#clock,
    });
  }

  async #keepFailed(batch: InFlightBatch, ...[failed, at, transaction]: Parameters<KeepFailed>): Promise<void> {
    const { deadLetters } = this.#options;
    if (deadLetters === 'upstream') {
      for (const { event, ...failure } of failed) await batch.setAside(event, failure);
      return;
    }
    const letters = failed.map((event) => toDeadLetter(event, at));
    await deadLetters?.add(letters, transaction === undefined ? undefined : { transaction });
  }

  #createWriter(): BatchWriter {
    const { sink, deadLetters, retry: policy, source, cursor } = this.#options;
    return new BatchWriter({
      sourceId: source.id,
      write: (batch) => (typeof sink === 'function' ? sink(batch as never) : sink.write(batch as never)),
      inSinkKeeper: () => (cursor === 'in-sink' ? this.#keeper : undefined),
      retry: policy,
      setsAside: deadLetters !== undefined,
      signal: this.#giveUp.signal,
      clock: this.#clock,
      report: this.#report,
    });
  }

  /** In the order of the batches: dead letters, cursor, upstream. */
  async #commit(batch: InFlightBatch, box: DeadLetterBox): Promise<void> {
    await this.#persist(() => box.empty());
    if (this.#keeper !== undefined) await this.#saveCursor(this.#keeper, batch);
    await batch.ack();
    if (this.#keeper !== undefined) for (const changes of batch.changes) this.#runtime.ledger.markSaved(changes);
    if (batch.events.length > 0) this.#report.count('batches');
    this.#report.committed(this.#options.dryRun === true ? this.#report.snapshot().cursorBefore : batch.cursor);
    // Awaited, so that one that is asynchronous and rejects ends the run, and not the process.
    await this.#options.onProgress?.(this.#report.snapshot());
  }

  async #saveCursor(keeper: CursorKeeper, batch: InFlightBatch): Promise<void> {
    if (this.#writer.hasSaved(batch) || (batch.cursor === undefined && batch.changes.length === 0)) return;
    await faultPoint('cursor.before');
    await this.#persist(() => keeper.exclusively(() => keeper.save(batch.cursor, batch.changes)));
    await faultPoint('cursor.after');
  }

  async #persist(action: () => Promise<unknown>): Promise<void> {
    await retry(action, {
      policy: this.#options.retry,
      signal: this.#giveUp.signal,
      clock: this.#clock,
      onRetry: () => this.#report.count('retries'),
    });
  }

  /** A cancelled run waits for its sinks, but not for ever. */
  async #settle(lanes: Lanes): Promise<void> {
    const { signal } = this.#options;
    if (signal?.aborted !== true) return lanes.idle();
    const patience = new AbortController();
    const grace = this.#clock.sleep(this.#runtime.closeGraceMs, patience.signal).then(
      () => this.#abandon(lanes),
      () => {},
    );
    await Promise.race([lanes.idle(), grace]);
    patience.abort();
  }

  /** Nothing that a sink still does changes anything once the run is over. */
  #abandon(lanes: Lanes): void {
    this.#writer.giveUp();
    lanes.giveUp(this.#options.signal?.reason);
  }

  /** Sinks and sources say in many ways that they were interrupted. */
  #cancelled(error: unknown): IngestReport {
    const { signal, logger, source } = this.#options;
    if (error !== signal?.reason) logger?.warn({ error, sourceId: source.id }, 'a cancelled run ended with an error');
    return this.#report.finish('cancelled', this.#clock.now());
  }
}

function withReport(error: unknown, report: IngestReport): Error {
  const property = { value: report, writable: true, enumerable: true, configurable: true };
  // Not where the error is frozen, or the name is taken for good.
  if (error instanceof Error && Reflect.defineProperty(error, 'report', property)) return error;
  return Object.assign(new Error(messageOf(error), { cause: error }), { report });
}

function toRunError(failed: readonly FailedEvent[]): FatalError {
  const [first] = failed;
  return new FatalError(
    `event ${first?.event.id} (${first?.event.type}) cannot be transformed: ${messageOf(first?.error)}. It was not acknowledged and ` +
      'comes again; give ingest a deadLetters store to go on without such events',
    { code: 'TRANSFORM_FAILED', sourceId: first?.event.sourceid, cause: first?.error },
  );
}
