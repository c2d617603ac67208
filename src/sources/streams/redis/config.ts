import * as z from 'zod';
import { payloadFormat } from '../payload.js';
import { reconnectPolicy } from '../reconnecting.js';

const key = z.string().min(1);
const keys = z.array(key).min(1).max(100).readonly();
const milliseconds = z.int().min(1).max(2_592_000_000);

const common = {
  /** Where Redis is. Default: this machine. Without user and password: those are credentials. */
  url: z
    .string()
    .regex(/^rediss?:\/\/[^@]+$/, 'expected a URL without user and password: redis://redis:6379/0, rediss:// for TLS')
    .default('redis://127.0.0.1:6379'),
  connectTimeoutMs: milliseconds.default(10_000),
  reconnect: reconnectPolicy,
};

const entries = {
  ...common,
  /** The keys of the streams. */
  streams: keys,
  /** The field that holds what `data.value` is made of. Default: there is no `data.value`, only `data.fields`. */
  payload: key.optional(),
  /** What is in that field. */
  format: payloadFormat.default('json'),
  /** Entries asked for at once, and held at once by each batch. */
  batchSize: z.int().min(1).max(10_000).default(500),
};

const group = z.strictObject({
  ...entries,
  mode: z.literal('group'),
  group: key,
  /**
   * The name of this consumer in the group: the same after a restart, and another for each that runs at the same time.
   * Default: the id of the source.
   */
  consumer: key.optional(),
  /** Whether a group that is not there is made. */
  createGroup: z.boolean().default(true),
  /** Where a group that is made begins: with the oldest entry ('0'), or with what comes from now on ('$'). */
  start: z.enum(['0', '$']).default('0'),
  /** What another consumer has not acknowledged for so long is taken over; 0: never. In milliseconds. */
  claimIdleMs: z.int().min(0).max(2_592_000_000).default(60_000),
  /**
   * An entry that was delivered so often and was never acknowledged goes to `deadLetterStream`, and is acknowledged.
   * Default: it comes again and again.
   */
  maxDeliveries: z.int().min(1).optional(),
  /** Default: the key of its stream and `:dead`. */
  deadLetterStream: key.optional(),
});

const stream = z.strictObject({
  ...entries,
  mode: z.literal('stream'),
  /** Without a cursor: from the oldest entry ('0'), or what comes from now on ('$'). */
  start: z.enum(['0', '$']).default('0'),
});

const list = z.strictObject({
  ...common,
  mode: z.literal('list'),
  list: key,
  /** The end that is taken from. */
  take: z.enum(['left', 'right']).default('left'),
  /**
   * Where elements are until they are acknowledged: one for each process. Default: the key of the list, `:processing:`
   * and the id of the source.
   */
  processing: key.optional(),
  format: payloadFormat.default('json'),
  batchSize: z.int().min(1).max(10_000).default(100),
});

const queue = {
  /** Unacknowledged messages held at once; more are dropped, counted, and told by a gap. */
  queueEvents: z.int().min(1).max(1_000_000).default(10_000),
  /** Their bytes. */
  queueBytes: z.int().min(1).default(16_777_216),
};

const channels = z
  .strictObject({
    ...common,
    ...queue,
    mode: z.literal('channels'),
    channels: z.array(key).max(1_000).readonly().default([]),
    /** Patterns as PSUBSCRIBE takes them: `orders.*`. */
    patterns: z.array(key).max(1_000).readonly().default([]),
    format: payloadFormat.default('json'),
  })
  .refine((config) => config.channels.length + config.patterns.length > 0, {
    error: 'must name a channel, or patterns a pattern',
    path: ['channels'],
  });

const keyspace = z.strictObject({
  ...common,
  ...queue,
  mode: z.literal('keyspace'),
  /** Patterns of keys whose changes are told: `session:*`. */
  keys,
  /** Only these events: `expired`, `set`, `del`, … Default: all. */
  events: z.array(key).readonly().optional(),
});

/** A consumer group, plain streams, a list, channels, or what happens to keys. */
export const redisConfig = z.discriminatedUnion('mode', [group, stream, list, channels, keyspace]);

export type RedisConfig = z.output<typeof redisConfig>;
export type RedisConfigInput = z.input<typeof redisConfig>;
export type GroupConfig = z.output<typeof group>;
export type StreamConfig = z.output<typeof stream>;
export type ListConfig = z.output<typeof list>;
export type ChannelsConfig = z.output<typeof channels>;
export type KeyspaceConfig = z.output<typeof keyspace>;

export const redisCredentials = z.strictObject({
  /** Default: `default`, as before Redis 6. */
  user: z.string().min(1).optional(),
  password: z.string().min(1),
});

export type RedisCredentials = z.input<typeof redisCredentials>;
