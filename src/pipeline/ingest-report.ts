import type { IngestReport } from './ingest-options.js';

type Count = 'read' | 'written' | 'filtered' | 'deadLettered' | 'gaps' | 'retries' | 'batches';

/** The counters of one run. */
export class RunReport {
  readonly #report: IngestReport;

  constructor(sourceId: string, startedAt: number) {
    this.#report = {
      runId: crypto.randomUUID(),
      sourceId,
      status: 'running',
      read: 0,
      written: 0,
      filtered: 0,
      deadLettered: 0,
      gaps: 0,
      retries: 0,
      batches: 0,
      startedAt: new Date(startedAt).toISOString(),
      cursorBefore: undefined,
      cursorAfter: undefined,
    };
  }

  count(counter: Count, by = 1): void {
    this.#report[counter] += by;
  }

  begin(cursor: unknown): void {
    this.#report.cursorBefore = cursor;
    this.#report.cursorAfter = cursor;
  }

  committed(cursor: unknown): void {
    this.#report.cursorAfter = cursor;
  }

  /** The share of the events read that would be dead letters with so many more. */
  deadLetterRatio(more: number): number {
    const { deadLettered, read } = this.#report;
    return read === 0 ? 0 : (deadLettered + more) / read;
  }

  finish(status: 'completed' | 'cancelled' | 'failed', finishedAt: number): IngestReport {
    const { deadLettered, gaps } = this.#report;
    this.#report.status = status === 'completed' && deadLettered + gaps > 0 ? 'partial' : status;
    this.#report.finishedAt = new Date(finishedAt).toISOString();
    return this.snapshot();
  }

  snapshot(): IngestReport {
    return { ...this.#report };
  }
}
