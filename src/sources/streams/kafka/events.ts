import { isUtf8 } from 'node:buffer';
import type { GapEvent, SourceEvent } from '../../../core/event.js';
import type { KafkaHeader, KafkaMessage } from './kafka-client.js';

/** What Kafka says of a message. */
export interface KafkaAbout {
  readonly topic: string;
  readonly partition: number;
  /** As text: it has 64 bits. */
  readonly offset: string;
  /** As text, in base64 where it is not UTF-8; null where it has none. */
  readonly key: string | null;
  /** As text, in base64 where they are not UTF-8; several where a header is repeated. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

export interface KafkaMessageData extends KafkaAbout {
  /** null for a tombstone. */
  readonly value: unknown;
  /** What has this key is deleted. */
  readonly tombstone?: true;
}

/** A message whose value cannot be decoded, as it came. */
export interface KafkaInvalidData extends KafkaAbout {
  readonly reason: string;
  readonly base64: string;
}

export type KafkaMessageEvent<Data = KafkaMessageData> = SourceEvent<'kafka.message', Data>;
export type KafkaInvalidEvent = SourceEvent<'kafka.message.invalid', KafkaInvalidData>;
export type KafkaEvent<Data = KafkaMessageData> = KafkaMessageEvent<Data> | KafkaInvalidEvent | GapEvent;

/** The key as text. */
export function keyOf({ key }: KafkaMessage): string | null {
  return key === null ? null : toText(key);
}

/** undefined where there are none. */
export function headersOf({ headers }: KafkaMessage): Record<string, string | readonly string[]> | undefined {
  for (const _ in headers) return textsOf(headers as Record<string, KafkaHeader>);
  return undefined;
}

let lastTimestamp = '';
let lastText: string | undefined;

/** When it was made or added, as the topic is configured. Messages that follow each other often have the same time. */
export function timeOf({ timestamp }: KafkaMessage): string | undefined {
  if (timestamp === lastTimestamp) return lastText;
  lastTimestamp = timestamp;
  const time = Number(timestamp);
  lastText = time > 0 && time <= 8_640_000_000_000_000 ? new Date(time).toISOString() : undefined;
  return lastText;
}

function textsOf(headers: Readonly<Record<string, KafkaHeader>>): Record<string, string | readonly string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value = '']) => [
      name,
      Array.isArray(value) ? value.map(toText) : toText(value),
    ]),
  );
}

function toText(bytes: Buffer | string): string {
  if (typeof bytes === 'string') return bytes;
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') && !isUtf8(bytes) ? bytes.toString('base64') : text;
}
