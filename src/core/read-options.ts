import type { SourceEvent } from './event.js';
import type { KeyedState } from './keyed-state.js';

/** How an iteration ends and whether it acknowledges. */
export interface ReadOptions {
  /** Its firing rejects the iteration with `signal.reason`. */
  signal?: AbortSignal | undefined;
  /** Wait for more instead of ending when caught up. Push sources always follow. Default false. */
  follow?: boolean | undefined;
  /** Stop at this instant (wall clock), ending normally. */
  until?: Date | undefined;
  /** End after this many events, the last of them acknowledged. */
  limit?: number | undefined;
  /** false: look without acknowledging; the frontier stays. Push sources refuse it. Default true. */
  acknowledge?: boolean | undefined;
}

export interface BatchOptions extends ReadOptions {
  /** Events in a batch. Default: what the source read at once. */
  maxEvents?: number | undefined;
  /** Bytes of events (as JSON) in a batch; one event may be larger. Default: no limit beyond the source's own. */
  maxBytes?: number | undefined;
  /** How long to wait, from its first event, for a batch to fill. Default 0: what is ready. */
  maxWaitMs?: number | undefined;
  /**
   * 'pull' (default): asking for the next batch acknowledges this one.
   * 'explicit': `ack`/`reject`; only the contiguous prefix moves the frontier.
   */
  settlement?: 'pull' | 'explicit' | undefined;
}

/** Events that arrived together. */
export interface EventBatch<Event extends SourceEvent = SourceEvent, Cursor = unknown> {
  readonly events: readonly Event[];
  /** Position after the last event; absent where the position lives upstream (brokers). */
  readonly cursor: Cursor | undefined;
  /** Accepted. Idempotent; without effect once the iteration was given up. */
  ack(): Promise<void>;
  /** Leaves the batch unacknowledged: the frontier stops before it, and a new iteration delivers it again. */
  reject(error: unknown): Promise<void>;
}

/** What a source may touch while it reads. */
export interface ReadContext<Cursor> {
  readonly cursor: Cursor | undefined;
  readonly state: KeyedState;
  /** Fires when the iteration ends for any reason: every wait inside a source must listen to it. */
  readonly signal: AbortSignal;
  readonly follow: boolean;
  readonly until: Date | undefined;
  /** The most the consumer takes at once (1 for generateEvents). Sources whose senders wait must not yield more; pages ignore it. */
  readonly maxEvents: number;
  /** Runs after the last settle of this iteration; what acknowledging needs is released here, never in `finally`. */
  defer(cleanup: () => void | Promise<void>): void;
}

/** What `readBatches` yields. With a cursor and no `cursorAt` a batch is never cut. */
export interface SourceBatch<Event extends SourceEvent, Cursor> {
  events: readonly Event[];
  cursor?: Cursor | undefined;
  cursorAt?(count: number): Cursor;
  /**
   * Broker ack, offset commit, HTTP answer. Called in order with the number acknowledged so far; may be called several
   * times, the last call is final. While what it gives is not resolved for eight batches that are done with, nothing more
   * is read.
   */
  settle?(acknowledged: number, outcome: { final: boolean; error?: unknown }): void | Promise<void>;
  /**
   * Puts the event at this place where upstream keeps what failed for good: a dead-letter exchange, topic or stream.
   * Resolves when it is kept there, or will come again; `settle` counts it as acknowledged after that. May be called again
   * for the same place. Of sources whose capabilities say `setsAside`.
   */
  setAside?(index: number, failure: EventFailure): void | Promise<void>;
}

/** Why an event was given up. */
export interface EventFailure {
  readonly error: unknown;
  /** How often it was tried. */
  readonly attempts: number;
}

/**
 * `nextWithin`: for those who would race `next()` against a timer. undefined = none came in time; the pending read is
 * kept, so nothing is acknowledged unseen.
 */
export interface EventGenerator<Event> extends AsyncGenerator<Event, void, undefined> {
  nextWithin(milliseconds: number): Promise<IteratorResult<Event, void> | undefined>;
}
