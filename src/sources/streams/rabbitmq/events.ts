import type { GapEvent, SourceEvent } from '../../../core/event.js';
import type { Delivery } from './client.js';

/** What RabbitMQ and the sender say of a message. */
export interface RabbitmqAbout {
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  /** It was delivered before, and not acknowledged. */
  readonly redelivered?: true;
  /** How often it was delivered before, where the queue counts it (`x-delivery-count`). */
  readonly deliveries?: number;
  /** Its place in a stream queue, as text: it has 64 bits. */
  readonly offset?: string;
  /** As JSON can hold them: bytes in base64, integers of 64 bits as text. */
  readonly headers?: Readonly<Record<string, unknown>>;
  /** `messageId`, `correlationId`, `contentType`, `type`, `appId`, `userId`, `replyTo`, `expiration`, `priority`, … */
  readonly properties?: Readonly<Record<string, string | number>>;
}

export interface RabbitmqMessageData extends RabbitmqAbout {
  readonly value: unknown;
}

/** A message whose body cannot be decoded, as it came. */
export interface RabbitmqInvalidData extends RabbitmqAbout {
  readonly reason: string;
  readonly base64: string;
}

export type RabbitmqMessageEvent<Data = RabbitmqMessageData> = SourceEvent<'rabbitmq.message', Data>;
export type RabbitmqInvalidEvent = SourceEvent<'rabbitmq.message.invalid', RabbitmqInvalidData>;
export type RabbitmqEvent<Data = RabbitmqMessageData> = RabbitmqMessageEvent<Data> | RabbitmqInvalidEvent | GapEvent;

/** What is said elsewhere in the event. */
const UNTOLD = new Set(['headers', 'timestamp', 'clusterId']);

export function aboutDelivery(queue: string, { fields, properties }: Delivery): RabbitmqAbout {
  const { exchange, routingKey, redelivered } = fields;
  const about: { -readonly [Key in keyof RabbitmqAbout]: RabbitmqAbout[Key] } = { queue, exchange, routingKey };
  if (redelivered) about.redelivered = true;
  const { headers } = properties;
  const deliveries = deliveriesOf(headers);
  if (deliveries > 0) about.deliveries = deliveries;
  const offset = headers?.['x-stream-offset'];
  if (offset !== undefined) about.offset = String(offset);
  if (headers !== undefined && Object.keys(headers).length > 0) about.headers = toJson(headers) as never;
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || UNTOLD.has(name)) continue;
    about.properties ??= {};
    (about.properties as Record<string, unknown>)[name] = value;
  }
  return about;
}

/** How often a quorum queue has delivered a message before. */
export function deliveriesOf(headers: Delivery['properties']['headers']): number {
  const count = headers?.['x-delivery-count'];
  return typeof count === 'number' ? count : 0;
}

/** When it was sent, where the sender says it: seconds since 1970. */
export function timeOf({ properties: { timestamp } }: Delivery): string | undefined {
  if (typeof timestamp !== 'number' || timestamp <= 0 || timestamp > 8_640_000_000_000) return undefined;
  return new Date(timestamp * 1_000).toISOString();
}

/** Tables of AMQP hold bytes, times and integers of 64 bits. */
function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (Array.isArray(value)) return value.map(toJson);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, toJson(each)]));
}
