import type { GapEvent, SourceEvent } from '../../core/event.js';
import type { Labels } from './series.js';
import type { MetricValue } from './value.js';

/** What every event of a series says of it. */
export interface MetricSeriesData {
  /** The name of the metric; '' where a query leaves it out. */
  metric: string;
  labels: Labels;
  /** The name of the query, where there are queries. */
  query?: string;
}

/** A sample that was late, or changed after it was read. */
export interface MetricRevision {
  /** 1 for the first change. */
  revision?: number;
}

export interface MetricSampleData extends MetricSeriesData, MetricRevision {
  value: MetricValue;
}

/** A threshold was crossed, or is no longer. */
export interface MetricThresholdData extends MetricSeriesData {
  /** The name of the rule. */
  rule: string;
  /** The value that decided; absent where the data is missing. */
  value?: MetricValue;
  /** The condition, as text: `> 0.9 for 5m`. */
  condition: string;
  /** Since when it holds, or no longer holds: ISO 8601, in the time of the samples. */
  since: string;
}

/** A series brought no sample any more. */
export interface MetricStaleData extends MetricSeriesData {
  /** When its last sample was: ISO 8601. */
  last: string;
}

export type MetricSampleEvent<Data = MetricSampleData> = SourceEvent<'metric.sample', Data>;
export type MetricCrossedEvent = SourceEvent<'metric.threshold.crossed', MetricThresholdData>;
export type MetricClearedEvent = SourceEvent<'metric.threshold.cleared', MetricThresholdData>;
export type MetricStaleEvent = SourceEvent<'metric.series.stale', MetricStaleData>;

/** What sources of metrics yield. */
export type MetricEvent<Data = MetricSampleData> =
  | MetricSampleEvent<Data>
  | MetricCrossedEvent
  | MetricClearedEvent
  | MetricStaleEvent
  | GapEvent;

/** What an event is made of. */
export interface MetricFields {
  readonly type: Exclude<MetricEvent['type'], 'headwater.gap'>;
  readonly id: string;
  readonly subject: string;
  readonly time: string;
  readonly data: object;
}

/** Events that every source of metrics may yield, for its definition. */
export const metricEvents = {
  'metric.sample': { description: 'A value of a series at a time.' },
  'metric.threshold.crossed': { description: 'A condition of `thresholds` holds for a series.' },
  'metric.threshold.cleared': { description: 'It holds no longer.' },
} as const;
