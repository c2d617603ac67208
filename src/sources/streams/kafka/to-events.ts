import { type Payload, readPayload } from '../payload.js';
import { aboutMessage, type KafkaEvent, timeOf } from './events.js';
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

function toEvent(
  { make, config }: ReaderContext,
  partition: KafkaPartition,
  message: KafkaMessage,
): KafkaEvent | Promise<KafkaEvent> {
  const { topic } = partition;
  const about = aboutMessage(partition, message);
  const id = `${topic}:${partition.partition}:${message.offset}`;
  const time = timeOf(message);
  const finish = (type: string, data: object): KafkaEvent =>
    make(time === undefined ? { type, id, subject: topic, data } : { type, id, subject: topic, time, data });
  const { value } = message;
  if (value === null) return finish('kafka.message', { ...about, value: null, tombstone: true });
  const decoded = ({ value: read, reason }: Payload): KafkaEvent =>
    reason === undefined
      ? finish('kafka.message', { ...about, value: read })
      : finish('kafka.message.invalid', { ...about, reason, base64: value.toString('base64') });
  const payload = readPayload(config.format, value, { name: topic, headers: message.headers });
  return payload instanceof Promise ? payload.then(decoded) : decoded(payload);
}
