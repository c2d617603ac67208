import type { Clock } from '../../core/clock.js';
import { SinkError } from '../../core/errors.js';
import { messageOf } from '../../core/thrown.js';
import type { RunReport } from '../ingest-report.js';
import type { FailedEvent } from '../prepare.js';
import { type DeadLetterStore, toDeadLetter } from './dead-letter.js';

export interface DeadLetterBoxOptions {
  /** undefined in a dry run: letters are counted and not kept. */
  store: DeadLetterStore | undefined;
  maxRatio: number;
  report: RunReport;
  clock: Clock;
}

/**
 * The events of one batch that failed for good. They are kept in the store before any cursor that passes them is
 * saved: otherwise a kill in between would leave them nowhere.
 */
export class DeadLetterBox {
  readonly #options: DeadLetterBoxOptions;
  #waiting: FailedEvent[] = [];

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
    const failed = this.#waiting;
    if (failed.length === 0) return;
    const { store, maxRatio, report, clock } = this.#options;
    if (report.deadLetterRatio(failed.length) > maxRatio) throw tooMany(failed, maxRatio);
    const at = new Date(clock.now()).toISOString();
    await store?.add(failed.map((event) => toDeadLetter(event, at)));
    this.#waiting = [];
    report.count('deadLettered', failed.length);
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
