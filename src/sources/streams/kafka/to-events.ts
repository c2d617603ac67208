import { type Payload, readPayload } from '../payload.js';
import { headersOf, type KafkaAbout, type KafkaEvent, keyOf, timeOf } from './events.js';
import type { KafkaMessage, KafkaPartition } from './kafka-client.js';
import type { ReaderContext } from './mode.js';

/** Makes the events of messages, in their order. */
export async function toEvents(
  reader: ReaderContext,
  partition: KafkaPartition,
  messages: readonly KafkaMessage[],
): Promise<KafkaEvent[]> {
  const events: KafkaEvent[] = new Array(messages.length);
  for (let at = 0; at < messages.length; at += 1) {
    const made = toEvent(reader, partition, messages[at] as KafkaMessage);
    events[at] = made instanceof Promise ? await made : made;
  }
  return events;
}

function toEvent(reader: ReaderContext, at: KafkaPartition, message: KafkaMessage): KafkaEvent | Promise<KafkaEvent> {
  const { value, headers } = message;
  if (value === null) return made(reader, at, message, NO_VALUE);
  const payload = readPayload(reader.config.format, value, at.topic, headers);
  return payload instanceof Promise
    ? payload.then((read) => made(reader, at, message, read))
    : made(reader, at, message, payload);
}

const NO_VALUE: Payload = { value: null };

function made(
  { make }: ReaderContext,
  { topic, partition }: KafkaPartition,
  message: KafkaMessage,
  { value, reason }: Payload,
): KafkaEvent {
  const { offset } = message;
  const key = keyOf(message);
  const isInvalid = reason !== undefined;
  const type = isInvalid ? 'kafka.message.invalid' : 'kafka.message';
  const data: Told = isInvalid
    ? { topic, partition, offset, key, reason, base64: message.value?.toString('base64') ?? '' }
    : { topic, partition, offset, key, value };
  if (message.value === null) data.tombstone = true;
  const headers = headersOf(message);
  if (headers !== undefined) data.headers = headers;
  const id = `${topic}:${partition}:${offset}`;
  const time = timeOf(message);
  return make(time === undefined ? { type, id, subject: topic, data } : { type, id, subject: topic, time, data });
}

interface Told extends KafkaAbout {
  value?: unknown;
  reason?: string;
  base64?: string;
  tombstone?: true;
  headers?: Readonly<Record<string, string | readonly string[]>>;
}
