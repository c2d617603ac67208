export type * from '../metrics.js';
export type { PrometheusConfig, PrometheusConfigInput, PrometheusCredentials } from './config.js';
export type { PrometheusCursor } from './cursor.js';
export type { PrometheusEvent, ScrapedSampleData } from './prometheus-events.js';
export { PrometheusSource } from './source.js';
