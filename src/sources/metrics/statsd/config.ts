import * as z from 'zod';
import { isPeer } from '../../../toolkit/allow-list.js';
import { thresholdRules } from '../threshold/rule.js';

const host = z.string().min(1).default('127.0.0.1');
const port = z.int().min(0).max(65_535);

const listener = z.discriminatedUnion('transport', [
  z.strictObject({ transport: z.literal('udp'), host, port }),
  z.strictObject({ transport: z.literal('tcp'), host, port }),
  /** A stream socket of the file system. Node has no datagram sockets there. */
  z.strictObject({ transport: z.literal('unix'), path: z.string().min(1) }),
]);

const peer = z.string().refine(isPeer, 'expected an address, or a subnet such as 10.0.0.0/8');

/** What `StatsdSource.create` takes as `config`. */
export const statsdConfig = z.strictObject({
  /** Where to listen. `host` is 127.0.0.1 unless told; port 0 takes a free one, see `addresses()`. StatsD's own is 8125. */
  listen: z.array(listener).min(1),
  /**
   * What becomes an event: every value as it comes ('samples'), or what they come to in each interval ('aggregates'). Events
   * and service checks of DogStatsD are events at once.
   */
  emit: z.enum(['samples', 'aggregates']).default('aggregates'),
  /** The interval of aggregates, in milliseconds. */
  flushMs: z.int().min(100).max(3_600_000).default(10_000),
  /** Of timers, histograms and distributions, besides count, sum, mean, lowest and highest. */
  percentiles: z.array(z.number().gt(0).lt(100)).max(20).default([50, 90, 99]),
  /** Conditions on samples, or on aggregates. */
  thresholds: thresholdRules.default([]),
  /** Series that are kept for an interval, and looked after by thresholds; the values of more are dropped and counted. */
  maxSeries: z.int().positive().default(10_000),
  /** A longer line of a connection ends it; a longer datagram is cut. */
  maxPacketBytes: z.int().min(512).max(1_048_576).default(65_536),
  /** Events that wait for the consumer, and their bytes. Beyond that they are dropped, counted and told by a gap. */
  queueEvents: z.int().positive().default(10_000),
  queueBytes: z.int().positive().default(16_777_216),
  maxConnections: z.int().positive().default(256),
  /** Addresses and subnets that may send; others are not heard. Default: all. Anybody can forge the sender of UDP. */
  allow: z.array(peer).min(1).optional(),
  /** Size of the system's buffer for UDP. Default: the system's. */
  receiveBufferBytes: z.int().positive().optional(),
});

export type StatsdConfig = z.output<typeof statsdConfig>;
export type StatsdConfigInput = z.input<typeof statsdConfig>;
export type StatsdListener = z.output<typeof listener>;
