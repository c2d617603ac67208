/** What a source is doing now. */
export type SourceStatus =
  | { state: 'idle' | 'reading' | 'caught-up' | 'closed' }
  | { state: 'waiting-for-rate-limit'; until: Date }
  | { state: 'blocked-by-consumer'; since: Date }
  | { state: 'reconnecting'; attempt: number; error: Error }
  | { state: 'failed'; error: Error };

/** Counters since the source was created. */
export interface SourceStats {
  /** Events handed to the consumer. */
  events: number;
  /** Batches (pages, blocks, single events of a `read()` source) taken from the source. */
  batches: number;
  /** Events acknowledged by the consumer. */
  acknowledged: number;
  /** Bytes read upstream, where the source counts them. */
  bytes: number;
  /** Requests sent upstream (processes started, for git), where the source counts them. */
  requests: number;
  retries: number;
  gaps: number;
  /** Events dropped, by reason. */
  dropped: Readonly<Record<string, number>>;
  startedAt?: Date | undefined;
  lastEventAt?: Date | undefined;
  /** Milliseconds between the newest event's time and its receipt, where the source knows. */
  lagMs?: number | undefined;
}
