import * as z from 'zod';
import { accessCredentials, serverUrl } from '../access.js';
import { thresholdRules } from '../threshold/rule.js';

const milliseconds = z.int().min(0).max(2_592_000_000);
const query = z.union([
  z
    .string()
    .min(1)
    .transform((text) => ({ name: text, query: text })),
  z.strictObject({
    /** In events, ids and the cursor: with another name it is another query, read from its start. Default: the query. */
    name: z.string().min(1),
    /** PromQL. */
    query: z.string().min(1),
  }),
]);

const common = {
  /** The address of Prometheus, with the path below which its API is; mode scrape: the URL of the metrics. */
  url: serverUrl('http://prometheus:9090'),
  /** Conditions on the samples of each series. */
  thresholds: thresholdRules.default([]),
  /** false: samples are read for the thresholds alone, and only what these tell becomes an event. */
  samples: z.boolean().default(true),
  /** Series that thresholds and stale markers are kept for. */
  maxSeries: z.int().positive().default(10_000),
  /** Bytes of an answer. */
  maxBodyBytes: z.int().positive().default(67_108_864),
  /** How long an answer may take, in milliseconds. */
  timeoutMs: z.int().positive().default(60_000),
};

const queried = {
  ...common,
  /** PromQL, with a name each. */
  queries: z
    .array(query)
    .min(1)
    .max(100)
    .refine(
      (queries) => new Set(queries.map(({ name }) => name)).size === queries.length,
      'names of queries must differ',
    ),
  /** The distance of samples, in milliseconds: at times that are whole multiples of it since 1970. */
  stepMs: z.int().min(1_000).default(15_000),
  /** Samples are read when they are so old, in milliseconds: what is ingested later than that is missed, or a revision. */
  lagMs: milliseconds.default(15_000),
  /** With `follow`: how often is asked, in milliseconds. Default: the step. */
  pollIntervalMs: z.int().positive().optional(),
};

const range = z.strictObject({
  mode: z.literal('range'),
  ...queried,
  /** Where it begins without a cursor: ISO 8601. Default: now. */
  since: z.iso.datetime({ offset: true }).optional(),
  /** Samples of so long before are read again each time, in milliseconds; what changed comes as a revision. */
  overlapMs: milliseconds.default(0),
});

const instant = z.strictObject({ mode: z.literal('instant'), ...queried });

const scrape = z.strictObject({
  mode: z.literal('scrape'),
  ...common,
  /** With `follow`: how often is asked, in milliseconds. */
  pollIntervalMs: z.int().positive().default(15_000),
  /** Only these metrics. Default: all. */
  metrics: z.array(z.string().min(1)).min(1).optional(),
});

/** What `PrometheusSource.create` takes as `config`. */
export const prometheusConfig = z.discriminatedUnion('mode', [range, instant, scrape]);

/** What `PrometheusSource.create` takes as `credentials`. */
export const prometheusCredentials = accessCredentials;

export type PrometheusConfig = z.output<typeof prometheusConfig>;
export type PrometheusConfigInput = z.input<typeof prometheusConfig>;
export type PrometheusCredentials = z.input<typeof prometheusCredentials>;
export type QueriedConfig = Exclude<PrometheusConfig, { mode: 'scrape' }>;
export type ScrapeConfig = Extract<PrometheusConfig, { mode: 'scrape' }>;
