import type { Clock } from '../../../core/clock.js';
import type { Logger } from '../../../core/logger.js';
import type { ReadContext, SourceBatch } from '../../../core/read-options.js';
import type { MetricFields } from '../events.js';
import type { Thresholds } from '../threshold/thresholds.js';
import type { PrometheusClient } from './client.js';
import type { PrometheusCursor } from './cursor.js';
import type { PrometheusEvent } from './prometheus-events.js';

/** What a mode of reading is given by the source. */
export interface ModeContext {
  readonly sourceId: string;
  readonly client: PrometheusClient;
  readonly context: ReadContext<PrometheusCursor>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly thresholds: Thresholds;
  make(fields: MetricFields): PrometheusEvent;
  /** Something was left out because a limit is reached. */
  onDropped(reason: string): void;
  onReading(): void;
  onCaughtUp(): void;
}

export type PrometheusBatch = SourceBatch<PrometheusEvent, PrometheusCursor>;
