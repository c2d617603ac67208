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

/** What is not said elsewhere in the event. */
const TOLD = [
  'messageId',
  'correlationId',
  'contentType',
  'contentEncoding',
  'type',
  'appId',
  'userId',
  'replyTo',
  'expiration',
  'deliveryMode',
  'priority',
] as const;

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

export function aboutDelivery(queue: string, { fields, properties }: Delivery): Mutable<RabbitmqAbout> {
  const { exchange, routingKey, redelivered } = fields;
  const about: Mutable<RabbitmqAbout> = { queue, exchange, routingKey };
  if (redelivered) about.redelivered = true;
  const { headers } = properties;
  if (headers !== undefined) tellHeaders(about, headers);
  const told = propertiesOf(properties);
  if (told !== undefined) about.properties = told;
  return about;
}

function tellHeaders(about: Mutable<RabbitmqAbout>, headers: Record<string, unknown>): void {
  for (const _ in headers) {
    const deliveries = deliveriesOf(headers);
    if (deliveries > 0) about.deliveries = deliveries;
    const offset = headers['x-stream-offset'];
    if (offset !== undefined) about.offset = String(offset);
    about.headers = toJson(headers) as Record<string, unknown>;
    return;
  }
}

function propertiesOf(properties: Delivery['properties']): Record<string, string | number> | undefined {
  let told: Record<string, string | number> | undefined;
  for (const name of TOLD) {
    const value = properties[name] as string | number | undefined;
    if (value === undefined) continue;
    told ??= {};
    told[name] = value;
  }
  return told;
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
