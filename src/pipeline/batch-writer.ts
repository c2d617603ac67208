import type { Clock } from '../core/clock.js';
import type { CursorKeeper } from '../core/cursor-keeper.js';
import { ConfigError, HeadwaterError, SinkError } from '../core/errors.js';
import { isGap } from '../core/event.js';
import type { InFlightBatch } from '../core/event-batch.js';
import { faultPoint } from '../core/fault-point.js';
import { messageOf } from '../core/thrown.js';
import { type RetryPolicy, retry } from '../toolkit/retry.js';
import type { DeadLetterBox } from './dead-letters/dead-letter-box.js';
import { InSinkSave } from './in-sink-save.js';
import type { RunReport } from './ingest-report.js';
import { isOutage } from './outage.js';
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
  #isOver = false;

  constructor(options: BatchWriterOptions) {
    this.#options = options;
  }

  /** Whether the cursor after the batch was saved by the sink. */
  hasSaved(batch: InFlightBatch): boolean {
    return this.#saved === batch;
  }

  /** The run ended without waiting any longer: what the sink still does must not move the cursor. */
  giveUp(): void {
    this.#isOver = true;
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
      if (part.outputs.length === 1) this.#setAside(part, error, attempts);
      else await this.#split(part, error, attempts);
    }
  }

  /** A loss that the sink refuses to hear of must not be hidden among the dead letters: it ends the run. */
  #setAside(part: Part, error: unknown, attempts: number): void {
    for (const { event } of part.outputs) {
      if (isGap(event)) throw this.#asSinkError(error, part);
      part.box.put([{ event, error, attempts }]);
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
    const isWhole = part.end === part.batch.events.length;
    const cursor = isWhole ? part.batch.cursor : part.batch.cursorAfter(part.end)?.cursor;
    const save = this.#createSave(part, cursor, isWhole);
    await retry(
      (attempt) => {
        onAttempt(attempt);
        return this.#attempt(part, cursor, save, attempt);
      },
      { policy, signal, clock, onRetry: () => report.count('retries') },
    );
    if (save !== undefined && isWhole) this.#saved = part.batch;
  }

  #createSave({ batch, box }: Part, cursor: unknown, isWhole: boolean): InSinkSave | undefined {
    const keeper = this.#options.inSinkKeeper();
    if (keeper === undefined) return undefined;
    const throwIfOver = (): void => {
      if (this.#isOver) throw this.#options.signal.reason;
    };
    return new InSinkSave({ keeper, box, cursor, changes: isWhole ? batch.changes : [], throwIfOver });
  }

  async #attempt(part: Part, cursor: unknown, save: InSinkSave | undefined, attempt: number): Promise<void> {
    const { sourceId, signal } = this.#options;
    save?.begin();
    await faultPoint('sink.before');
    try {
      await this.#options.write({
        events: part.outputs.map(({ output }) => output),
        cursor,
        sourceId,
        attempt,
        signal,
        savesCursor: save !== undefined,
        saveCursor: async (transaction) => (save === undefined ? refuseSave(sourceId) : save.save(transaction)),
      });
    } catch (error) {
      if (save === undefined) throw error;
      if (!(await save.wasCommitted(error))) throw save.reason(error);
    }
    save?.confirm();
    await faultPoint('sink.after');
  }

  #maySetAside(error: unknown): boolean {
    return this.#options.setsAside && !this.#options.signal.aborted && !isOutage(error);
  }

  #asSinkError(error: unknown, { outputs }: Part): unknown {
    if (this.#options.signal.aborted || HeadwaterError.isInstance(error)) return error;
    const [first] = outputs;
    return new SinkError(
      `the sink did not take ${outputs.length} events of source "${this.#options.sourceId}" (the first: ${first?.event.type} ` +
        `${first?.event.id}): ${messageOf(error)}. They were not acknowledged and ` +
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

function refuseSave(sourceId: string): never {
  const message = "batch.saveCursor() is only for ingest({ cursor: 'in-sink' })";
  throw new ConfigError([{ severity: 'error', code: 'NOT_IN_SINK', message, fix: "set cursor: 'in-sink'" }], {
    sourceId,
  });
}
