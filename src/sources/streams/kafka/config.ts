import * as z from 'zod';
import { payloadFormat } from '../payload.js';
import { reconnectPolicy } from '../reconnecting.js';
import type { KafkaClientFactory } from './kafka-client.js';

const name = z
  .string()
  .min(1)
  .max(249)
  .regex(/^[\w.-]+$/, 'expected letters, digits, dots, underscores and dashes');
const milliseconds = z.int().min(1).max(86_400_000);

const file = z.string().min(1).max(4_096);

const certificates = z
  .strictObject({
    /** Who has signed the certificates of the brokers. */
    caFile: file.optional(),
    /** Who this client is, where brokers ask for it. */
    certFile: file.optional(),
    keyFile: file.optional(),
  })
  .refine(({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined), {
    error: 'give both, or none',
    path: ['certFile'],
  });

export const kafkaConfig = z
  .strictObject({
    /** `host:port` of some brokers; the others are found by them. */
    brokers: z
      .array(z.string().regex(/^[^/@\s]+:\d+$/, "expected 'host:port'"))
      .readonly()
      .default([]),
    /** TLS: `true` with the authorities of the system, or PEM files, read whenever the group is joined. */
    tls: z.union([z.boolean(), certificates]).default(false),
    /** Another client than that of `kafkajs`. */
    client: z.custom<KafkaClientFactory>((value) => typeof value === 'function', 'expected a function').optional(),
    topics: z.array(name).max(1_000).readonly().default([]),
    /** All topics that match, also those that come later: a regular expression. */
    pattern: z.string().min(1).max(500).refine(isExpression, 'expected a regular expression').optional(),
    /** How often it is looked for new topics that match. */
    topicRefreshMs: milliseconds.default(60_000),
    group: z.string().min(1).max(255),
    /**
     * 'acknowledged': an offset is committed when all before it are acknowledged. 'automatic': as soon as messages are
     * handed out; they are lost when the process ends before they were worked on. 'external': never; the offsets are our
     * own cursor, which may be saved in the transaction of the sink: exactly once.
     */
    commit: z.enum(['acknowledged', 'automatic', 'external']).default('acknowledged'),
    /** Where a partition begins of which nothing is committed. */
    start: z.enum(['earliest', 'latest']).default('earliest'),
    /** Where it goes on behind a gap, when what comes next was removed. */
    outOfRange: z.enum(['earliest', 'latest']).default('earliest'),
    isolation: z.enum(['read-committed', 'read-uncommitted']).default('read-committed'),
    /** What is in the values of messages. */
    format: payloadFormat.default('json'),
    heartbeatMs: milliseconds.default(3_000),
    sessionTimeoutMs: milliseconds.default(30_000),
    rebalanceTimeoutMs: milliseconds.default(60_000),
    /** Partitions of which messages are held at the same time. */
    concurrency: z.int().min(1).max(1_000).default(4),
    maxBytesPerPartition: z.int().min(1_024).default(1_048_576),
    /** How long a broker may wait for something new. */
    maxWaitMs: milliseconds.default(1_000),
    /** Without `follow`: caught up when nothing came for so long, or the end is reached. */
    idleMs: milliseconds.default(3_000),
    /**
     * A message that was delivered so often and was never acknowledged goes to `deadLetterTopic`. Counted in what is
     * committed, so over restarts. Default: it comes again and again.
     */
    maxDeliveries: z.int().min(1).optional(),
    /** Default: the topic and `.dead`. */
    deadLetterTopic: name.optional(),
    reconnect: reconnectPolicy,
  })
  .refine(({ topics, pattern }) => topics.length > 0 !== (pattern !== undefined), {
    error: 'give topics, or a pattern',
    path: ['topics'],
  })
  .refine(({ brokers, client }) => brokers.length > 0 !== (client !== undefined), {
    error: 'give brokers, or a client',
    path: ['brokers'],
  })
  .refine(({ maxDeliveries, commit }) => maxDeliveries === undefined || commit === 'acknowledged', {
    error: "is counted in what is committed: commit has to be 'acknowledged'",
    path: ['maxDeliveries'],
  })
  .refine(({ heartbeatMs, sessionTimeoutMs }) => heartbeatMs * 2 <= sessionTimeoutMs, {
    error: 'must be at most half of sessionTimeoutMs',
    path: ['heartbeatMs'],
  });

export type KafkaConfig = z.output<typeof kafkaConfig>;
export type KafkaConfigInput = z.input<typeof kafkaConfig>;

/** SASL. */
export const kafkaCredentials = z.strictObject({
  mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).default('scram-sha-512'),
  user: z.string().min(1),
  password: z.string().min(1),
});
export type KafkaCredentials = z.input<typeof kafkaCredentials>;

function isExpression(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
