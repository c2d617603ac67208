import type { GapEvent, SourceEvent } from '../../../core/event.js';

/** An entry of a stream. */
export interface RedisEntryData {
  readonly stream: string;
  /** Its id: `1526919030474-55`. */
  readonly entry: string;
  readonly fields: Readonly<Record<string, string>>;
  /** What was made of the field `payload`; absent where none is configured. */
  readonly value?: unknown;
  /** How often it was delivered, where that is more than once: it was not acknowledged before. */
  readonly deliveries?: number;
}

/** An element of a list. */
export interface RedisElementData {
  readonly list: string;
  readonly value: unknown;
  /** It was taken before, and not acknowledged. */
  readonly redelivered?: true;
}

/** What was published. */
export interface RedisPublicationData {
  readonly channel: string;
  /** The pattern that it came by. */
  readonly pattern?: string;
  readonly value: unknown;
}

/** What happened to a key. */
export interface RedisKeyData {
  readonly key: string;
  /** `set`, `del`, `expired`, … */
  readonly event: string;
}

/** A message that has no value, as it came. */
export interface RedisInvalidData {
  /** Stream, list or channel. */
  readonly name: string;
  readonly entry?: string;
  readonly reason: string;
  readonly base64: string;
}

export type RedisMessageData = RedisEntryData | RedisElementData | RedisPublicationData | RedisKeyData;
export type RedisMessageEvent<Data = RedisMessageData> = SourceEvent<'redis.message', Data>;
export type RedisInvalidEvent = SourceEvent<'redis.message.invalid', RedisInvalidData>;
export type RedisEvent<Data = RedisMessageData> = RedisMessageEvent<Data> | RedisInvalidEvent | GapEvent;

/** What an event is made of. */
export interface RedisFields {
  readonly type: 'redis.message' | 'redis.message.invalid';
  readonly id: string;
  readonly subject: string;
  readonly time?: string;
  readonly data: object;
}

/** Ids of streams begin with the time of the server that gave them; what is earlier was given by whoever added it. */
const FIRST_TIME = 1_000_000_000_000;
const LAST_TIME = 8_640_000_000_000_000;

let lastTime = '';
let lastText: string | undefined;

/** When an entry was added, where its id says so. Entries that follow each other often have the same time. */
export function timeOf(entry: string): string | undefined {
  const end = entry.indexOf('-');
  if (end === lastTime.length && entry.startsWith(lastTime)) return lastText;
  lastTime = entry.slice(0, end);
  const time = Number(lastTime);
  lastText = time >= FIRST_TIME && time <= LAST_TIME ? new Date(time).toISOString() : undefined;
  return lastText;
}

/** Whether an id is behind another. */
export function isAfter(one: string, other: string): boolean {
  const [time, sequence] = partsOf(one);
  const [otherTime, otherSequence] = partsOf(other);
  return time === otherTime ? sequence > otherSequence : time > otherTime;
}

function partsOf(id: string): [bigint, bigint] {
  const [time = '0', sequence = '0'] = id.split('-');
  return [BigInt(time), BigInt(sequence)];
}
