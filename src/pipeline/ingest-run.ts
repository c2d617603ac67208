import { BatchIterator } from '../core/batch-iterator.js';
import type { Clock } from '../core/clock.js';
import { CursorKeeper } from '../core/cursor-keeper.js';
import { FatalError } from '../core/errors.js';
import type { InFlightBatch } from '../core/event-batch.js';
import { keptSource } from '../core/event-source-factory.js';
import type { SourceEvent } from '../core/event.js';
import { faultPoint } from '../core/fault-point.js';
import { assertNotIterated } from '../core/iteration.js';
import { runtimeOf, type SourceRuntime } from '../core/source-runtime.js';
import { retry } from '../toolkit/retry.js';
import { BatchWriter } from './batch-writer.js';
import { DeadLetterBox } from './dead-letters/dead-letter-box.js';
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
  readonly #runtime: SourceRuntime;
  readonly #clock: Clock;
  readonly #report: RunReport;
  /** Fires for the sinks when the run is cancelled. */
  readonly #giveUp = new AbortController();
  readonly #writer: BatchWriter;
  #keeper: CursorKeeper | undefined;
  #isStopping = false;

  constructor(options: Options) {
    this.#options = options;
    this.#runtime = runtimeOf(options.source);
    this.#clock = this.#runtime.clock;
    this.#report = new RunReport(options.source.id, this.#clock.now());
    this.#writer = this.#createWriter();
  }

  async run(): Promise<IngestReport> {
    const restore = this.#rememberSource();
    try {
      await this.#prepareSource();
      await this.#pump();
      return this.#report.finish(this.#options.signal?.aborted === true ? 'cancelled' : 'completed', this.#clock.now());
    } catch (error) {
      if (this.#options.signal?.aborted === true) return this.#cancelled(error);
      throw withReport(error, this.#report.finish('failed', this.#clock.now()));
    } finally {
      restore();
    }
  }

  /** Backfills, previews and dry runs leave the source where it was. */
  #rememberSource(): () => void {
    const runtime = this.#runtime;
    const { keeper, cursor } = runtime;
    const isPassing = this.#options.dryRun === true || (this.#options.cursorStore === undefined && keeper !== undefined);
    return () => {
      runtime.keeper = keeper;
      if (isPassing && runtime.iteration === undefined) runtime.cursor = cursor;
      if (isPassing) runtime.ledger.attach(keeper?.state);
    };
  }

  async #prepareSource(): Promise<void> {
    const { source, cursorStore, fullRefresh, dryRun } = this.#options;
    const runtime = this.#runtime;
    assertNotIterated(runtime);
    if (fullRefresh === true) source.setCursor(undefined);
    if (cursorStore !== undefined) {
      const isAttached = runtime.keeper?.store === cursorStore && fullRefresh !== true;
      const keeper = isAttached ? runtime.keeper : new CursorKeeper(keptSource(source), cursorStore, { resume: !fullRefresh });
      if (!isAttached) await this.#load(keeper as CursorKeeper);
      runtime.keeper = keeper;
      if (dryRun !== true) this.#keeper = keeper;
    }
    this.#report.begin(runtime.cursor);
  }

  async #load(keeper: CursorKeeper): Promise<void> {
    const saved = await keeper.load();
    if (saved !== undefined) this.#options.source.setCursor(saved.cursor);
    this.#runtime.ledger.attach(keeper.state);
  }

  async #pump(): Promise<void> {
    const iterator = this.#iterator();
    const lanes = new Lanes(this.#options.concurrency ?? 1, () => {
      this.#isStopping = true;
      iterator.stop();
    });
    const giveUp = (): void => this.#giveUp.abort(this.#options.signal?.reason);
    this.#options.signal?.addEventListener('abort', giveUp, { once: true });
    try {
      await this.#read(iterator, lanes);
    } finally {
      await this.#settle(lanes);
      this.#options.signal?.removeEventListener('abort', giveUp);
      lanes.throwIfFailed();
      await iterator.released();
    }
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
    return new BatchIterator(this.#runtime, options, { ...limits, settlement: 'explicit' });
  }

  /** Everything up to the sink's answer; may run beside other batches. */
  async #work(batch: InFlightBatch): Promise<DeadLetterBox> {
    const { transform, schema, dryRun } = this.#options;
    const prepared = await prepare(batch.events, { transform: transform as never, schema });
    this.#report.count('filtered', prepared.filtered);
    this.#report.count('gaps', prepared.gaps);
    if (prepared.failed.length > 0 && this.#options.deadLetters === undefined) throw toRunError(prepared.failed);
    const box = this.#createBox();
    box.put(prepared.failed);
    if (dryRun !== true) await this.#writer.write(batch, prepared.outputs, box);
    return box;
  }

  #createBox(): DeadLetterBox {
    const { deadLetters, dryRun, maxDeadLetterRatio = DEFAULT_MAX_DEAD_LETTER_RATIO } = this.#options;
    const store = dryRun === true ? undefined : deadLetters;
    return new DeadLetterBox({ store, maxRatio: maxDeadLetterRatio, report: this.#report, clock: this.#clock });
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
    await box.empty();
    if (this.#keeper !== undefined) await this.#saveCursor(this.#keeper, batch);
    await batch.ack();
    for (const changes of batch.changes) this.#runtime.ledger.markSaved(changes);
    this.#report.committed(this.#options.dryRun === true ? this.#report.snapshot().cursorBefore : batch.cursor);
    this.#options.onProgress?.(this.#report.snapshot());
  }

  async #saveCursor(keeper: CursorKeeper, batch: InFlightBatch): Promise<void> {
    if (this.#writer.hasSaved(batch) || (batch.cursor === undefined && batch.changes.length === 0)) return;
    await faultPoint('cursor.before');
    await retry(() => keeper.exclusively(() => keeper.save(batch.cursor, batch.changes)), {
      policy: this.#options.retry,
      signal: this.#giveUp.signal,
      clock: this.#clock,
      onRetry: () => this.#report.count('retries'),
    });
    await faultPoint('cursor.after');
  }

  /** A cancelled run waits for its sinks, but not for ever. */
  async #settle(lanes: Lanes): Promise<void> {
    const { signal } = this.#options;
    if (signal?.aborted !== true) return lanes.idle();
    const patience = new AbortController();
    const grace = this.#clock.sleep(this.#runtime.closeGraceMs, patience.signal).catch(() => {});
    await Promise.race([lanes.idle(), grace]);
    patience.abort();
  }

  /** Sinks and sources say in many ways that they were interrupted. */
  #cancelled(error: unknown): IngestReport {
    const { signal, logger, source } = this.#options;
    if (error !== signal?.reason) logger?.warn({ error, sourceId: source.id }, 'a cancelled run ended with an error');
    return this.#report.finish('cancelled', this.#clock.now());
  }
}

function withReport(error: unknown, report: IngestReport): Error {
  const failure = error instanceof Error && Object.isExtensible(error) ? error : new Error(String(error), { cause: error });
  return Object.assign(failure, { report });
}

function toRunError(failed: readonly FailedEvent[]): FatalError {
  const [first] = failed;
  const message = first?.error instanceof Error ? first.error.message : String(first?.error);
  return new FatalError(
    `event ${first?.event.id} (${first?.event.type}) cannot be transformed: ${message}. It was not acknowledged and ` +
      'comes again; give ingest a deadLetters store to go on without such events',
    { code: 'TRANSFORM_FAILED', sourceId: first?.event.sourceid, cause: first?.error },
  );
}
