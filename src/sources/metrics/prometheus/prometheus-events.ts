import type { MetricEvent, MetricSampleData } from '../events.js';
import type { MetricValue } from '../value.js';

/** What of a scraped sample the endpoint says besides. */
export interface ScrapedSampleData extends MetricSampleData {
  /** 'counter', 'gauge', 'histogram', … */
  kind?: string;
  unit?: string;
  /** OpenMetrics: a trace or the like that it points to. */
  exemplar?: { labels: Readonly<Record<string, string>>; value: MetricValue; time?: string };
}

/** Whatever a `PrometheusSource` yields. */
export type PrometheusEvent = MetricEvent<ScrapedSampleData>;
