import type { SourceEvent } from '../core/event.js';

/** Events on their way into the host's storage. */
export interface SinkBatch<Output = SourceEvent, Cursor = unknown, Transaction = never> {
  readonly events: readonly Output[];
  /** Position after the last event. */
  readonly cursor: Cursor | undefined;
  readonly sourceId: string;
  /** 1, and one more for every retry. */
  readonly attempt: number;
  /** Fires when the run is given up. */
  readonly signal: AbortSignal;
  /** Whether the run asks for `saveCursor`: `cursor: 'in-sink'`. */
  readonly savesCursor: boolean;
  /** Saves the cursor inside the sink's own transaction. With `cursor: 'in-sink'` only. */
  saveCursor(transaction: Transaction): Promise<void>;
}

export type SinkFunction<Output = SourceEvent, Cursor = unknown, Transaction = never> = (
  batch: SinkBatch<Output, Cursor, Transaction>,
) => void | Promise<void>;

/** The host's storage. A resolved `write` means that every event of the batch is kept. */
export interface Sink<Output = SourceEvent, Cursor = unknown, Transaction = never> {
  write: SinkFunction<Output, Cursor, Transaction>;
  close?(): Promise<void>;
}
