export type {
  Labels,
  MetricClearedEvent,
  MetricCrossedEvent,
  MetricEvent,
  MetricRevision,
  MetricSampleData,
  MetricSampleEvent,
  MetricSeriesData,
  MetricThresholdData,
  MetricValue,
} from '../metrics.js';
export type { StatsdConfig, StatsdConfigInput } from './config.js';
export type {
  StatsdCheckData,
  StatsdCheckEvent,
  StatsdErrorData,
  StatsdErrorEvent,
  StatsdEvent,
  StatsdHappeningData,
  StatsdHappeningEvent,
  StatsdSampleData,
} from './events.js';
export type { StatsdKind, StatsdTags } from './parse.js';
export { StatsdSource } from './source.js';
export type { StatsdAddress } from './stream-listener.js';
