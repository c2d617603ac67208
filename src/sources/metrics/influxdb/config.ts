import * as z from 'zod';
import { accessCredentials, serverUrl } from '../access.js';
import { thresholdRules } from '../threshold/rule.js';

const milliseconds = z.int().min(0).max(2_592_000_000);
const query = z.strictObject({
  /** In events, ids and the cursor: with another name it is another query, read from its start. */
  name: z.string().min(1),
  /** With `$from` (included) and `$to` (not included) where its times are limited: they are replaced each time. */
  query: z.string().refine((text) => text.includes('$from') && text.includes('$to'), {
    error: 'must hold $from and $to: WHERE time >= $from AND time < $to, or range(start: $from, stop: $to)',
  }),
});

const common = {
  /** The address of InfluxDB. */
  url: serverUrl('http://influxdb:8086'),
  queries: z
    .array(query)
    .min(1)
    .max(100)
    .refine(
      (queries) => new Set(queries.map(({ name }) => name)).size === queries.length,
      'names of queries must differ',
    ),
  /** Where it begins without a cursor: ISO 8601. Default: now. */
  since: z.iso.datetime({ offset: true }).optional(),
  /** Samples are read when they are so old, in milliseconds: what is written later than that is missed, unless `overlapMs` reaches back to it. */
  lagMs: milliseconds.default(10_000),
  /** So long before is read again each time, in milliseconds: what is new there comes late, what changed as a revision. */
  overlapMs: milliseconds.default(0),
  /** Where a query groups by time: the width of its groups, in milliseconds. No window ends within one. */
  stepMs: z.int().positive().max(86_400_000).default(1),
  /** At most so much time is asked for at once, in milliseconds; half of it where an answer is too large. */
  windowMs: z.int().min(1_000).default(3_600_000),
  /** With `follow`: how often is asked, in milliseconds. */
  pollIntervalMs: z.int().positive().default(10_000),
  /** Conditions on the samples of each series. */
  thresholds: thresholdRules.default([]),
  /** false: samples are read for the thresholds alone, and only what these tell becomes an event. */
  samples: z.boolean().default(true),
  /** Series that thresholds are kept for. */
  maxSeries: z.int().positive().default(10_000),
  /** Bytes of an answer. */
  maxBodyBytes: z.int().positive().default(67_108_864),
  /** How long an answer may take, in milliseconds. */
  timeoutMs: z.int().positive().default(60_000),
};

/** What `InfluxdbSource.create` takes as `config`. */
export const influxdbConfig = z.discriminatedUnion('language', [
  z.strictObject({
    language: z.literal('influxql'),
    ...common,
    database: z.string().min(1),
    retentionPolicy: z.string().min(1).optional(),
  }),
  z.strictObject({ language: z.literal('flux'), ...common, org: z.string().min(1) }),
  z.strictObject({ language: z.literal('sql'), ...common, database: z.string().min(1) }),
]);

/** What `InfluxdbSource.create` takes as `credentials`. */
export const influxdbCredentials = accessCredentials;

export type InfluxdbConfig = z.output<typeof influxdbConfig>;
export type InfluxdbConfigInput = z.input<typeof influxdbConfig>;
export type InfluxdbCredentials = z.input<typeof influxdbCredentials>;
