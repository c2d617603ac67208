import { ConfigError } from '../core/errors.js';
import type { SourceEvent } from '../core/event.js';
import type { IngestOptions, IngestReport } from './ingest-options.js';
import { IngestRun } from './ingest-run.js';

/**
 * Brings the events of a source into a sink, in batches, and keeps the cursor: read → transform → sink accepts →
 * cursor durable → upstream settled, always in this order.
 *
 * ```ts
 * await ingest({ source, sink: new JsonlSink('events.jsonl'), cursorStore: new FileCursorStore('.cursors') });
 * ```
 *
 * Resolves with the report of a run that completed, was partial (dead letters, gaps) or cancelled. Never closes source
 * or sink.
 *
 * @throws what ended the run, with the report so far as its `report`; ConfigError for options that exclude each other
 */
export async function ingest<Event extends SourceEvent, Cursor, Output = Event, Transaction = never>(
  options: IngestOptions<Event, Cursor, Output, Transaction>,
): Promise<IngestReport> {
  checkOptions(options);
  // From here on events and cursors are passed through untouched, so their types do not matter.
  return new IngestRun(options as unknown as IngestOptions<SourceEvent, unknown, unknown, unknown>).run();
}

function checkOptions<Event extends SourceEvent, Cursor, Output, Transaction>(
  options: IngestOptions<Event, Cursor, Output, Transaction>,
): void {
  const { concurrency = 1, cursor, cursorStore, source, maxDeadLetterRatio = 0 } = options;
  const problems: [code: string, message: string, fix: string][] = [];
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    problems.push([
      'INVALID_CONCURRENCY',
      `concurrency: ${concurrency} is not a whole number from 1`,
      'leave it out for 1',
    ]);
  }
  if (cursor === 'in-sink' && concurrency > 1) {
    const fix = "use concurrency: 1, or cursor: 'after-sink'";
    problems.push([
      'IN_SINK_CONCURRENCY',
      "cursor: 'in-sink' saves cursors in order and takes one batch at a time",
      fix,
    ]);
  }
  if (cursor === 'in-sink' && cursorStore === undefined) {
    problems.push([
      'IN_SINK_WITHOUT_STORE',
      "cursor: 'in-sink' needs a cursorStore",
      'pass the store of the sink database',
    ]);
  }
  if (!(maxDeadLetterRatio >= 0 && maxDeadLetterRatio <= 1)) {
    problems.push(['INVALID_RATIO', 'maxDeadLetterRatio is a share from 0 to 1', 'leave it out for 0.5']);
  }
  if (options.deadLetters === 'upstream' && source.capabilities.setsAside !== true) {
    problems.push([
      'NO_UPSTREAM_DEAD_LETTERS',
      `source "${source.id}" (${source.type}), as it is configured, has no place upstream for what fails for good`,
      'see its page, or give a store as deadLetters',
    ]);
  }
  if (problems.length === 0) return;
  throw new ConfigError(
    problems.map(([code, message, fix]) => ({ severity: 'error', code, message, fix })),
    { sourceId: source.id },
  );
}
