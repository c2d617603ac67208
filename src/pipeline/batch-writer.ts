import type { Clock } from '../core/clock.js';
import type { CursorKeeper } from '../core/cursor-keeper.js';
import type { CursorRecord } from '../core/cursor-store.js';
import {
  ConfigError,
  CursorConflictError,
  FatalError,
  HeadwaterError,
  RetryableError,
  SinkError,
  SkippableError,
} from '../core/errors.js';
import type { InFlightBatch } from '../core/event-batch.js';
import { faultPoint } from '../core/fault-point.js';
import { type RetryPolicy, retry } from '../toolkit/retry.js';
import type { DeadLetterBox } from './dead-letters/dead-letter-box.js';
import type { RunReport } from './ingest-report.js';
import type { PreparedEvent } from './prepare.js';
import type { SinkBatch } from './sink.js';

export interface BatchWriterOptions {
  sourceId: string;
  write(batch: SinkBatch<unknown, unknown, unknown>): void | Promise<void>;
  /** Set for `cursor: 'in-sink'`: the sink saves the cursor through it. */
  inSinkKeeper(): CursorKeeper | undefined;
  retry: Partial<RetryPolicy> | undefined;
  /** Whether what fails for good may be set aside. */
  setsAside: boolean;
  signal: AbortSignal;
  clock: Clock;
  report: RunReport;
}

/** A part of a batch on its way into the sink. */
interface Part {
  readonly batch: InFlightBatch;
  readonly box: DeadLetterBox;
  readonly outputs: readonly PreparedEvent[];
  /** How many events of the batch are dealt with once the sink has taken this part. */
  readonly end: number;
}

/** Brings batches into the sink: retries, and halves what fails for good until the poison event stands alone. */
export class BatchWriter {
  readonly #options: BatchWriterOptions;
  #saved: InFlightBatch | undefined;

  constructor(options: BatchWriterOptions) {
    this.#options = options;
  }

  /** Whether the cursor after the batch was saved by the sink. */
  hasSaved(batch: InFlightBatch): boolean {
    return this.#saved === batch;
  }

  /** What fails for good is put into the box. Rejects when the run cannot go on. */
  async write(batch: InFlightBatch, outputs: readonly PreparedEvent[], box: DeadLetterBox): Promise<void> {
    if (outputs.length === 0) return;
    await this.#writeOrSplit({ batch, box, outputs, end: batch.events.length }, this.#options.retry);
  }

  async #writeOrSplit(part: Part, policy: Partial<RetryPolicy> | undefined, tried = 0): Promise<void> {
    let attempts = tried;
    try {
      await this.#deliver(part, policy, (attempt) => {
        attempts = tried + attempt;
      });
      this.#options.report.count('written', part.outputs.length);
    } catch (error) {
      if (!this.#maySetAside(error)) throw this.#asSinkError(error, part);
      const [only] = part.outputs;
      if (part.outputs.length === 1 && only !== undefined) part.box.put([{ event: only.event, error, attempts }]);
      else await this.#split(part, error, attempts);
    }
  }

  /** Halves are tried once each: waiting again for every half of a poisoned batch would take minutes. */
  async #split(part: Part, error: unknown, attempts: number): Promise<void> {
    const middle = Math.ceil(part.outputs.length / 2);
    const end = (part.outputs[middle - 1]?.index ?? 0) + 1;
    if (this.#options.inSinkKeeper() !== undefined && part.batch.cursorAfter(end) === undefined) {
      throw this.#uncuttable(error);
    }
    const once = { ...this.#options.retry, retries: 0 };
    await this.#writeOrSplit({ ...part, outputs: part.outputs.slice(0, middle), end }, once, attempts);
    await this.#writeOrSplit({ ...part, outputs: part.outputs.slice(middle) }, once, attempts);
  }

  async #deliver(
    part: Part,
    policy: Partial<RetryPolicy> | undefined,
    onAttempt: (attempt: number) => void,
  ): Promise<void> {
    const { signal, clock, report } = this.#options;
    await retry(
      (attempt) => {
        onAttempt(attempt);
        return this.#attempt(part, attempt);
      },
      { policy, signal, clock, onRetry: () => report.count('retries') },
    );
  }

  async #attempt(part: Part, attempt: number): Promise<void> {
    const { sourceId, signal } = this.#options;
    const isWhole = part.end === part.batch.events.length;
    const cursor = isWhole ? part.batch.cursor : part.batch.cursorAfter(part.end)?.cursor;
    const keeper = this.#options.inSinkKeeper();
    const transaction = keeper === undefined ? undefined : new InSinkSave(keeper, part, cursor);
    await faultPoint('sink.before');
    try {
      await this.#options.write({
        events: part.outputs.map(({ output }) => output),
        cursor,
        sourceId,
        attempt,
        signal,
        saveCursor: (given) => (transaction === undefined ? refuseSave(sourceId) : transaction.save(given)),
      });
    } catch (error) {
      if ((await transaction?.wasCommitted(error)) !== true) throw error;
    }
    transaction?.confirm();
    if (transaction !== undefined && isWhole) this.#saved = part.batch;
    await faultPoint('sink.after');
  }

  /** What an outage causes is not the fault of an event, and what needs the host's hand is not either. */
  #maySetAside(error: unknown): boolean {
    if (!this.#options.setsAside || this.#options.signal.aborted) return false;
    if (SkippableError.isInstance(error)) return true;
    return !(RetryableError.isInstance(error) || FatalError.isInstance(error) || ConfigError.isInstance(error));
  }

  #asSinkError(error: unknown, { outputs }: Part): unknown {
    if (this.#options.signal.aborted || HeadwaterError.isInstance(error)) return error;
    const [first] = outputs;
    return new SinkError(
      `the sink did not take ${outputs.length} events of source "${this.#options.sourceId}" (the first: ${first?.event.type} ` +
        `${first?.event.id}): ${error instanceof Error ? error.message : String(error)}. They were not acknowledged and ` +
        'come again; give ingest a deadLetters store to go on without events that fail for good',
      { sourceId: this.#options.sourceId, cause: error },
    );
  }

  #uncuttable(error: unknown): SinkError {
    return new SinkError(
      `a batch of source "${this.#options.sourceId}" failed for good and cannot be split to find the event at fault: ` +
        "its cursor is only known at its end. Use cursor: 'after-sink' with dead letters, or mend the sink",
      { code: 'UNCUTTABLE_BATCH', sourceId: this.#options.sourceId, cause: error },
    );
  }
}

/** The cursor saved inside one try of the sink's own transaction. */
class InSinkSave {
  readonly #keeper: CursorKeeper;
  readonly #part: Part;
  readonly #cursor: unknown;
  #staged: CursorRecord | undefined;

  constructor(keeper: CursorKeeper, part: Part, cursor: unknown) {
    this.#keeper = keeper;
    this.#part = part;
    this.#cursor = cursor;
  }

  async save(transaction: unknown): Promise<void> {
    const { batch, box, end } = this.#part;
    await box.empty();
    await faultPoint('cursor.before');
    this.#staged = await this.#keeper.stage(this.#cursor, end === batch.events.length ? batch.changes : [], transaction);
    await faultPoint('cursor.after');
  }

  /** The answer to a COMMIT may be lost, and the next try then finds our own revision: both mean that it went through. */
  async wasCommitted(error: unknown): Promise<boolean> {
    if (this.#staged === undefined && !CursorConflictError.isInstance(error)) return false;
    const own = await this.#keeper.findOwn().catch(() => undefined);
    if (own === undefined) return false;
    this.#staged = own;
    return true;
  }

  confirm(): void {
    if (this.#staged === undefined) {
      throw new SinkError(
        "the sink resolved without calling batch.saveCursor(transaction), which cursor: 'in-sink' asks for: its events " +
          'may be stored, the cursor is not',
        { code: 'CURSOR_NOT_SAVED' },
      );
    }
    this.#keeper.confirm(this.#staged, this.#cursor);
  }
}

function refuseSave(sourceId: string): never {
  const message = "batch.saveCursor() is only for ingest({ cursor: 'in-sink' })";
  throw new ConfigError([{ severity: 'error', code: 'NOT_IN_SINK', message, fix: "set cursor: 'in-sink'" }], { sourceId });
}
