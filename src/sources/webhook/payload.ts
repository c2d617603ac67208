import { createHash } from 'node:crypto';
import type { DecodeError } from '../../core/errors.js';
import { decodeError } from '../../toolkit/decode/decode-error.js';
import { parseJson } from './json-body.js';
import type { WebhookRequest } from './provider.js';

/** A JSON object as a sender sent it. Read leniently: fields come and go with the sender's versions. */
export type Payload = Readonly<Record<string, unknown>>;

/**
 * The JSON object that the body of a request is.
 *
 * @param sender as it is called in the message: 'GitLab'
 * @throws DecodeError for anything else
 */
export function readObject(request: Pick<WebhookRequest, 'content'>, sender: string): Payload {
  const value = parseJson(request.content);
  if (isObject(value)) return value;
  throw badPayload(sender, 'the body is not a JSON object');
}

/** What `read` throws for a body that is JSON, but not what the sender is known to send. */
export function badPayload(sender: string, what: string): DecodeError {
  return decodeError(
    'WEBHOOK_PAYLOAD',
    {},
    `${what}, which ${sender} does not send; look which sender has this address`,
  );
}

export function isObject(value: unknown): value is Payload {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object within. */
export function part(payload: Payload | undefined, name: string): Payload | undefined {
  const value = member(payload, name);
  return isObject(value) ? value : undefined;
}

/** The objects of a list within; what is no object is left out. */
export function parts(payload: Payload | undefined, name: string): Payload[] {
  const value = member(payload, name);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Text within; `undefined` where there is none, or where it is empty. */
export function text(payload: Payload | undefined, name: string): string | undefined {
  const value = member(payload, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function number(payload: Payload | undefined, name: string): number | undefined {
  const value = member(payload, name);
  return typeof value === 'number' ? value : undefined;
}

/** Own members only: `constructor` is none. */
function member(payload: Payload | undefined, name: string): unknown {
  return payload !== undefined && Object.hasOwn(payload, name) ? payload[name] : undefined;
}

const WORD = /^[a-z][a-z0-9_]{0,63}$/;

/** What a sender calls something, as a part of a type: 'STARTED' as 'started'. `undefined` for what is no single word. */
export function typeWord(value: unknown): string | undefined {
  const word = typeof value === 'string' ? value.toLowerCase() : '';
  return WORD.test(word) ? word : undefined;
}

const PATH = /^[!-~]{1,255}$/;

/** A name of several words, as a part of a type: 'incident.priority_updated'. `undefined` for one with spaces or too long. */
export function typePath(value: unknown): string | undefined {
  return typeof value === 'string' && PATH.test(value) ? value : undefined;
}

/** The same for the same texts in the same order, and short. */
export function digestOf(...texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const each of texts) hash.update(`${Buffer.byteLength(each)}:`).update(each);
  return hash.digest('base64url').slice(0, 22);
}

/** Seconds since the epoch as RFC 3339. `undefined` for what is no time that can be written so. */
export function timeOfSeconds(seconds: number | undefined): string | undefined {
  const date = new Date((seconds ?? Number.NaN) * 1_000);
  const year = Number.isNaN(date.getTime()) ? -1 : date.getUTCFullYear();
  return year >= 0 && year <= 9_999 ? date.toISOString() : undefined;
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

/** A time as it was sent, where it is one of RFC 3339: every digit is kept. */
export function rfc3339(value: string | undefined): string | undefined {
  return value !== undefined && RFC_3339.test(value) && !Number.isNaN(Date.parse(value)) ? value : undefined;
}
