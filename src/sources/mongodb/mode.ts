import type { Clock } from '../../core/clock.js';
import type { GapEvent, GapReason } from '../../core/event.js';
import type { ReadContext, SourceBatch } from '../../core/read-options.js';
import type { MongodbClient } from './client.js';
import type { MongodbCursor } from './cursor.js';
import type { MongodbEvent, MongodbFields } from './events.js';

/** What a mode of reading is given by the source. */
export interface ModeContext {
  readonly sourceId: string;
  readonly client: MongodbClient;
  readonly context: ReadContext<MongodbCursor>;
  readonly clock: Clock;
  make(fields: MongodbFields): MongodbEvent;
  gap(reason: GapReason, detail: string, range: { from?: unknown; to?: unknown }): GapEvent;
  onRetry(): void;
  onReading(): void;
  onCaughtUp(): void;
}

/** One mode of reading: the batches after the cursor. */
export type MongodbBatches = AsyncGenerator<SourceBatch<MongodbEvent, MongodbCursor>, void, undefined>;
