import * as z from 'zod';
import { payloadFormat } from '../payload.js';
import { reconnectPolicy } from '../reconnecting.js';

const name = z.string().min(1).max(255);
const queueArguments = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

const common = {
  /** Where RabbitMQ is, and the virtual host: `amqp://rabbitmq/shop`. Without user and password: those are credentials. */
  url: z
    .string()
    .regex(/^amqps?:\/\/[^@]+$/, 'expected a URL without user and password: amqp://rabbitmq:5672, amqps:// for TLS')
    .default('amqp://127.0.0.1:5672'),
  queue: name,
  /** What is in the body of messages. */
  format: payloadFormat.default('json'),
  /** Unacknowledged messages that the broker sends ahead: the bound of what is held. */
  prefetch: z.int().min(1).max(65_535).default(500),
  connectTimeoutMs: z.int().min(1).default(10_000),
  /** Without `follow`: caught up when nothing came for so long. */
  idleMs: z.int().min(1).default(250),
  reconnect: reconnectPolicy,
};

const queue = z.strictObject({
  ...common,
  mode: z.literal('queue'),
  /** Makes the queue where it is not there; where it is, it has to be like this. Default: it has to be there. */
  declare: z
    .strictObject({
      type: z.enum(['quorum', 'classic']).default('quorum'),
      durable: z.boolean().default(true),
      autoDelete: z.boolean().default(false),
      exclusive: z.boolean().default(false),
      /** `x-delivery-limit`, `x-dead-letter-exchange`, `x-max-length`, … as RabbitMQ names them. */
      arguments: queueArguments.default({}),
      /** The exchanges that are to fill it; they have to be there. */
      bindings: z
        .array(
          z.strictObject({
            exchange: name,
            routingKey: z.string().max(255).default(''),
            /** For exchanges of headers. */
            arguments: queueArguments.default({}),
          }),
        )
        .readonly()
        .default([]),
    })
    .optional(),
  /**
   * 'manual': a message is acknowledged when its event is. 'automatic': as soon as it is handed out; it is lost when the
   * process ends before it was worked on.
   */
  acknowledge: z.enum(['manual', 'automatic']).default('manual'),
  /** What becomes of the messages of a batch that is rejected: 'requeue', or 'dead-letter': to the dead-letter exchange of the queue. */
  onFailure: z.enum(['requeue', 'dead-letter']).default('requeue'),
  /**
   * A message that was delivered so often, and comes once more, is rejected: to the dead-letter exchange of the queue,
   * which has to have one, or it is dropped. Quorum queues count, and count whatever they sent: `prefetch` is 1 then.
   * Default: as the delivery limit of the queue says.
   */
  maxDeliveries: z.int().min(1).optional(),
});

const stream = z.strictObject({
  ...common,
  mode: z.literal('stream'),
  /** Without a cursor: the oldest message, what comes from now on, or an offset. */
  start: z.union([z.enum(['first', 'next']), z.int().min(0)]).default('first'),
});

/** A queue, or a stream queue read by offset. */
export const rabbitmqConfig = z.discriminatedUnion('mode', [queue, stream]);

export type RabbitmqConfig = z.output<typeof rabbitmqConfig>;
export type RabbitmqConfigInput = z.input<typeof rabbitmqConfig>;
export type QueueConfig = z.output<typeof queue>;
export type StreamQueueConfig = z.output<typeof stream>;

export const rabbitmqCredentials = z.strictObject({ user: z.string().min(1), password: z.string() });
export type RabbitmqCredentials = z.input<typeof rabbitmqCredentials>;
