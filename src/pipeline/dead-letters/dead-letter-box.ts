import type { Clock } from '../../core/clock.js';
import { SinkError } from '../../core/errors.js';
import { messageOf } from '../../core/thrown.js';
import type { RunReport } from '../ingest-report.js';
import type { FailedEvent } from '../prepare.js';

/** Puts events away for good. `at`: RFC 3339, when they were given up; the same when it is tried again. */
export type KeepFailed = (failed: readonly FailedEvent[], at: string, transaction: unknown) => Promise<void>;

export interface DeadLetterBoxOptions {
  /** undefined in a dry run: letters are counted and not kept. */
  keep: KeepFailed | undefined;
  maxRatio: number;
  report: RunReport;
  clock: Clock;
}

/**
 * The events of one batch that failed for good. They are kept before any cursor that passes them is saved: otherwise a
 * kill in between would leave them nowhere.
 */
export class DeadLetterBox {
  readonly #options: DeadLetterBoxOptions;
  #waiting: FailedEvent[] = [];
  #at: string | undefined;

  constructor(options: DeadLetterBoxOptions) {
    this.#options = options;
  }

  put(failed: readonly FailedEvent[]): void {
    this.#waiting.push(...failed);
  }

  /**
   * Keeps what was put in so far.
   * @throws SinkError (TOO_MANY_DEAD_LETTERS) before anything is kept that would be more than the allowed share
   */
  async empty(): Promise<void> {
    await this.copy();
    this.forget();
  }

  /** The same within a transaction that may yet be rolled back: what was put in stays until `forget`. */
  async copy(transaction?: unknown): Promise<void> {
    const failed = this.#waiting;
    if (failed.length === 0) return;
    const { keep, maxRatio, report, clock } = this.#options;
    if (report.deadLetterRatio(failed.length) > maxRatio) throw tooMany(failed, maxRatio);
    // One time for all tries, so that a store that kept an earlier one sees that it is the same letter.
    this.#at ??= new Date(clock.now()).toISOString();
    await keep?.(failed, this.#at, transaction);
  }

  /** They are kept for good. */
  forget(): void {
    this.#options.report.count('deadLettered', this.#waiting.length);
    this.#waiting = [];
    this.#at = undefined;
  }
}

function tooMany(failed: readonly FailedEvent[], ratio: number): SinkError {
  const last = failed.at(-1);
  return new SinkError(
    `more than ${ratio * 100} % of the events failed for good (the last: ${last?.event.id}: ${messageOf(last?.error)}); they were not ` +
      'acknowledged and come again. Mend the sink, or raise maxDeadLetterRatio',
    { code: 'TOO_MANY_DEAD_LETTERS', sourceId: last?.event.sourceid, cause: last?.error },
  );
}
