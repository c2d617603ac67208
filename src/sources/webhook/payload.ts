import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { DecodeError } from '../../core/errors.js';
import { isDeeper, MAX_DEPTH } from '../../toolkit/decode/limits.js';
import type { WebhookRequest } from './provider.js';

/** A JSON object as a sender sent it. Read leniently: fields come and go with the sender's versions. */
export type Payload = Readonly<Record<string, unknown>>;

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * The JSON value that a body is. A byte order mark before it is passed over; of two members of one name the last counts.
 *
 * @throws DecodeError for what is no UTF-8, no JSON, or nested more than 100 deep. It never quotes the body.
 */
export function readJson(content: Buffer): unknown {
  if (!isUtf8(content)) throw refused('INVALID_ENCODING', 'the body is not UTF-8');
  const hasMark = content.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  const value = parse(content.toString('utf8', hasMark ? BYTE_ORDER_MARK.length : 0));
  if (isDeeper(value, MAX_DEPTH, content.length)) {
    throw refused('RECORD_TOO_DEEP', `the body is nested more than ${MAX_DEPTH} deep`);
  }
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A syntax error quotes what it read, so it is no cause to keep.
    throw refused('JSON_SYNTAX', 'the body is not a JSON value; set the content type of the webhook to JSON');
  }
}

/**
 * The JSON object that the body of a request is.
 *
 * @param sender as it is called in the message: 'GitLab'
 * @throws DecodeError for anything else
 */
export function readObject(request: Pick<WebhookRequest, 'content'>, sender: string): Payload {
  const value = readJson(request.content);
  if (isObject(value)) return value;
  throw badPayload(sender, 'the body is not a JSON object');
}

/** What `read` throws for a body that is JSON, but not what the sender is known to send. */
export function badPayload(sender: string, what: string): DecodeError {
  return refused('WEBHOOK_PAYLOAD', `${what}, which ${sender} does not send; look which sender has this address`);
}

function refused(code: string, message: string): DecodeError {
  return new DecodeError(message, { code, at: {} });
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
