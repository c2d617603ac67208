import type { Clock } from '../../../core/clock.js';
import type { GapEvent, GapReason } from '../../../core/event.js';
import type { Logger } from '../../../core/logger.js';
import type { PushLimits, PushQueue } from '../../../core/push-queue.js';
import type { ReadContext, SourceBatch } from '../../../core/read-options.js';
import type { RedisClient } from './client.js';
import type { RedisCursor } from './cursor.js';
import type { RedisEvent, RedisFields } from './events.js';
import type { SideConnection } from './side-connection.js';

export type RedisBatch = SourceBatch<RedisEvent, RedisCursor>;

/** What a mode reads with, and makes events with. */
export interface ModeContext {
  readonly sourceId: string;
  readonly context: ReadContext<RedisCursor>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly side: SideConnection;
  /** The connection that is read from; closed when it ends. */
  open(): Promise<RedisClient>;
  make(fields: RedisFields): RedisEvent;
  gap(reason: GapReason, detail: string, range?: { from?: unknown; to?: unknown; count?: number }): GapEvent;
  onCaughtUp(): void;
  countDropped(reason: string, count?: number): void;
  /** What was received and is not acknowledged; the same for all iterations. */
  queue(limits: PushLimits): PushQueue<RedisEvent>;
}

/** How a mode is read: again with each connection. */
export interface ModeReader {
  read(): AsyncGenerator<RedisBatch, void, undefined>;
}

/** How long a command waits for something new before it is asked again, in milliseconds. */
export const BLOCK_MS = 2_000;
