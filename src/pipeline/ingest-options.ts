import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { CursorStore } from '../core/cursor-store.js';
import type { GapEvent, GapOf, SourceEvent } from '../core/event.js';
import type { EventSource } from '../core/event-source.js';
import type { Logger } from '../core/logger.js';
import type { RetryPolicy } from '../toolkit/retry.js';
import type { DeadLetterStore } from './dead-letters/dead-letter.js';
import type { Sink, SinkFunction } from './sink.js';

export interface IngestOptions<Event extends SourceEvent, Cursor, Output, Transaction> {
  source: EventSource<Event, Cursor, any>;
  /** Where events go. Resolved means kept. */
  sink: SinkFunction<Output | GapOf<Event>, Cursor, Transaction> | Sink<Output | GapOf<Event>, Cursor, Transaction>;
  /** Where the cursor is kept. Without one nothing is loaded or saved: a backfill, a preview. */
  cursorStore?: CursorStore<Transaction> | undefined;
  /** 'after-sink' (default) or 'in-sink': then a sink that resolves without saveCursor is a SinkError. */
  cursor?: 'after-sink' | 'in-sink' | undefined;
  /** Default: 500 events, no byte limit, no waiting (a batch is what is ready when the sink is free). */
  batch?: { maxEvents?: number | undefined; maxBytes?: number | undefined; maxWaitMs?: number | undefined } | undefined;
  /** Batches in the sink at once; the frontier stays contiguous. Default 1. */
  concurrency?: number | undefined;
  /** undefined leaves the event out. Deterministic, if the run is to be exactly once. */
  transform?: ((event: Exclude<Event, GapEvent>) => Output | undefined | Promise<Output | undefined>) | undefined;
  /** Checks, and may change, what `transform` gave. What does not fit is a dead letter, or ends the run. */
  schema?: StandardSchemaV1 | undefined;
  /** For what the sink rejects with; a RetryableError or an unknown error is tried again. Default 3 retries from 1 s. */
  retry?: Partial<RetryPolicy> | undefined;
  /**
   * Where events go that fail for good: a store, or 'upstream', the place that the broker itself has for them (see
   * `capabilities.setsAside`). Without one the first such event ends the run.
   */
  deadLetters?: DeadLetterStore<Transaction> | 'upstream' | undefined;
  /** The run fails when more than this share of the events read became dead letters. Default 0.5. */
  maxDeadLetterRatio?: number | undefined;
  /** Reads and transforms, writes nothing: no sink, no cursor, no dead letters. */
  dryRun?: boolean | undefined;
  /** Begins without the saved cursor; the first save replaces it. */
  fullRefresh?: boolean | undefined;
  follow?: boolean | undefined;
  until?: Date | undefined;
  limit?: number | undefined;
  /** Ends the run with status 'cancelled'. Batches that the sink still takes within 5 s are saved and acknowledged. */
  signal?: AbortSignal | undefined;
  /** Called after every batch. */
  onProgress?: ((progress: IngestReport) => void) | undefined;
  logger?: Logger | undefined;
}

/** What a run did so far. */
export interface IngestReport {
  runId: string;
  sourceId: string;
  status: 'running' | 'completed' | 'partial' | 'cancelled' | 'failed';
  /** Events taken from the source. */
  read: number;
  /** Events the sink accepted. */
  written: number;
  /** Events that `transform` left out. */
  filtered: number;
  deadLettered: number;
  gaps: number;
  retries: number;
  batches: number;
  startedAt: string;
  finishedAt?: string | undefined;
  cursorBefore: unknown;
  cursorAfter: unknown;
}
