import type { Clock } from '../../../core/clock.js';
import type { GapEvent, GapReason } from '../../../core/event.js';
import type { Logger } from '../../../core/logger.js';
import type { ReadContext, SourceBatch } from '../../../core/read-options.js';
import type { KafkaConfig } from './config.js';
import type { KafkaCursor } from './cursor.js';
import type { KafkaEvent } from './events.js';
import type { KafkaClient } from './kafka-client.js';

export type KafkaSourceBatch = SourceBatch<KafkaEvent, KafkaCursor>;

/** What is read with, and events are made with. */
export interface ReaderContext {
  readonly sourceId: string;
  readonly config: KafkaConfig;
  readonly context: ReadContext<KafkaCursor>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The group, in place of the membership before. */
  open(): Promise<KafkaClient>;
  /** Is done before the group is left, if it does not take too long. */
  beforeLeaving(work: () => Promise<void>): void;
  make(fields: object): KafkaEvent;
  gap(reason: GapReason, detail: string, range: { from?: unknown; to?: unknown; count?: number }): GapEvent;
  onCaughtUp(): void;
  onLag(partition: string, lag: bigint): void;
  countDropped(reason: string, count?: number): void;
}
