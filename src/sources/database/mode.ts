import type { Clock } from '../../core/clock.js';
import type { GapEvent, GapReason } from '../../core/event.js';
import type { Logger } from '../../core/logger.js';
import type { ReadContext, SourceBatch } from '../../core/read-options.js';
import type { DatabaseCursor } from './cursor.js';
import type { DatabaseClient } from './database-client.js';
import type { DatabaseEvent, DatabaseFields } from './events.js';

/** What a mode of reading is given by the source. */
export interface ModeContext {
  readonly sourceId: string;
  readonly client: DatabaseClient;
  readonly context: ReadContext<DatabaseCursor>;
  readonly clock: Clock;
  readonly logger: Logger;
  make(fields: DatabaseFields): DatabaseEvent;
  gap(reason: GapReason, detail: string, range: { from?: unknown; to?: unknown }): GapEvent;
  /** The position up to which everything was acknowledged. */
  acknowledged(): DatabaseCursor | undefined;
  onRetry(): void;
  onReading(): void;
  onCaughtUp(): void;
}

/** One mode of reading: the batches after the cursor. */
export type DatabaseBatches = AsyncGenerator<SourceBatch<DatabaseEvent, DatabaseCursor>, void, undefined>;

/** Why a position means nothing on another server. */
export const SERVER_CHANGED =
  'the server is another one than it was, or one of an earlier state (restored, failed over), where positions mean something else; ' +
  'everything is read again, with the same ids';
