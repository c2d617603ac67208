import { type Payload, type PayloadFormat, readPayload } from '../payload.js';
import type { RedisClient } from './client.js';
import { type RedisEvent, timeOf } from './events.js';
import type { ModeContext } from './mode.js';

/** An entry as Redis answers: its id, and its fields one after another; null where it is no longer there. */
export type RawEntry = readonly [id: Buffer | string, fields: readonly (Buffer | string)[] | null];

export interface EntryFormat {
  readonly payload?: string | undefined;
  readonly format: PayloadFormat;
}

/** Makes events of entries. */
export class EntryMaker {
  readonly #mode: ModeContext;
  readonly #format: EntryFormat;

  constructor(mode: ModeContext, format: EntryFormat) {
    this.#mode = mode;
    this.#format = format;
  }

  /** Asks in the way that the entries are to be read: as bytes only where bytes are needed. */
  ask<Answer>(client: RedisClient, ...words: readonly string[]): Promise<Answer> {
    return this.#format.payload === undefined ? client.command(...words) : client.binary(...words);
  }

  /** The events in the order of the entries; `deliveries` by id. */
  async make(
    stream: string,
    entries: readonly RawEntry[],
    deliveries?: ReadonlyMap<string, number>,
  ): Promise<RedisEvent[]> {
    const events: RedisEvent[] = new Array(entries.length);
    for (let at = 0; at < entries.length; at += 1) {
      const [id, fields] = entries[at] as RawEntry;
      const entry = textOf(id);
      const made = this.#event(stream, entry, fields ?? [], deliveries?.get(entry) ?? 1);
      events[at] = made instanceof Promise ? await made : made;
    }
    return events;
  }

  #event(
    stream: string,
    entry: string,
    flat: readonly (Buffer | string)[],
    times: number,
  ): RedisEvent | Promise<RedisEvent> {
    const fields: Record<string, string> = {};
    for (let at = 0; at + 1 < flat.length; at += 2) setField(fields, textOf(flat[at]), textOf(flat[at + 1]));
    const data = times > 1 ? { stream, entry, fields, deliveries: times } : { stream, entry, fields };
    if (this.#format.payload === undefined) return this.#message(stream, entry, data);
    const bytes = payloadOf(flat, this.#format.payload);
    if (bytes === undefined) return this.#message(stream, entry, data);
    const finish = ({ value, reason }: Payload): RedisEvent =>
      reason === undefined
        ? this.#message(stream, entry, { ...data, value })
        : this.#invalid(stream, entry, reason, bytes);
    const payload = readPayload(this.#format.format, bytes, stream, fields);
    return payload instanceof Promise ? payload.then(finish) : finish(payload);
  }

  #message(stream: string, entry: string, data: object): RedisEvent {
    const time = timeOf(entry);
    const id = `${stream}:${entry}`;
    return time === undefined
      ? this.#mode.make({ type: 'redis.message', id, subject: stream, data })
      : this.#mode.make({ type: 'redis.message', id, subject: stream, time, data });
  }

  #invalid(name: string, entry: string, reason: string, bytes: Buffer): RedisEvent {
    const data = { name, entry, reason, base64: bytes.toString('base64') };
    return this.#mode.make({ type: 'redis.message.invalid', id: `${name}:${entry}`, subject: name, data });
  }
}

function textOf(text: Buffer | string | undefined): string {
  return typeof text === 'string' ? text : String(text);
}

function setField(fields: Record<string, string>, name: string, value: string): void {
  if (name === '__proto__') Object.defineProperty(fields, name, { value, enumerable: true });
  else fields[name] = value;
}

function payloadOf(flat: readonly (Buffer | string)[], field: string): Buffer | undefined {
  for (let at = 0; at + 1 < flat.length; at += 2) {
    if (String(flat[at]) === field) return Buffer.from(flat[at + 1] as Buffer);
  }
  return undefined;
}
