import type { SourceEvent } from '../core/event.js';
import type { EventSource } from '../core/event-source.js';
import type { SourceStatus } from '../core/status.js';
import type { IngestOptions, IngestReport } from '../pipeline/ingest-options.js';

/** What the manager gives to `ingest` itself, or what makes no sense for a run that may begin again. */
export type NotManaged = 'source' | 'signal' | 'dryRun' | 'fullRefresh';

/** A source that is looked after: how it is made, and how it is run. What is left out is taken from the manager. */
export interface ManagedSource<
  Event extends SourceEvent = SourceEvent,
  Cursor = unknown,
  Output = Event,
  Transaction = never,
> extends Partial<Omit<IngestOptions<Event, Cursor, Output, Transaction>, NotManaged>> {
  /** The id of the source that `create` makes. */
  id: string;
  /**
   * Makes the source, anew for every start and restart: a source that was closed does not run again. The manager
   * closes what it made.
   */
  create(): EventSource<Event, Cursor, any> | Promise<EventSource<Event, Cursor, any>>;
  /** false: known, and not started until it is enabled. Default true. */
  enabled?: boolean | undefined;
  /** Waits for more when it has caught up. Default true. */
  follow?: boolean | undefined;
}

/** How a managed source does. */
export interface ManagedStatus {
  readonly id: string;
  /**
   * 'starting': being made. 'waiting': failed, and tried again at `restartAt`. 'completed': came to its end. 'failed':
   * for good, until it is started again.
   */
  readonly state: 'disabled' | 'stopped' | 'starting' | 'running' | 'stopping' | 'waiting' | 'completed' | 'failed';
  /** What the source itself says, while it runs. */
  readonly source?: SourceStatus | undefined;
  /** Of the run that goes on, or of the last. */
  readonly report?: IngestReport | undefined;
  /** What the last run ended with, if it failed. */
  readonly error?: Error | undefined;
  /** Runs that failed one after another, without a batch that went through in between. */
  readonly failures: number;
  readonly restartAt?: Date | undefined;
}

// Which events a source brings, and what its sink takes, was checked where it was added: see `SourceManager.add`.
export type AnySource = EventSource<any, any, any>;
export type AnyManagedSource = ManagedSource<any, any, any, any>;
export type AnyIngestOptions = IngestOptions<any, any, any, any>;
