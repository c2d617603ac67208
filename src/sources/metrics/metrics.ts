export type {
  MetricClearedEvent,
  MetricCrossedEvent,
  MetricEvent,
  MetricRevision,
  MetricSampleData,
  MetricSampleEvent,
  MetricSeriesData,
  MetricStaleData,
  MetricStaleEvent,
  MetricThresholdData,
} from './events.js';
export type { Labels } from './series.js';
export type { MetricValue } from './value.js';
