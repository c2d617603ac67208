import { isUtf8 } from 'node:buffer';
import type { DecodeError } from '../../../core/errors.js';
import { decodeError } from '../../../toolkit/decode/decode-error.js';
import { parseJson } from '../json-body.js';
import { isObject, type Payload, rfc3339 } from '../payload.js';
import type { WebhookRequest } from '../provider.js';

/** The attributes of a CloudEvent; `data_base64` is what is neither JSON nor text. */
export interface CloudEventAttributes {
  readonly specversion: '1.0';
  readonly id: string;
  /** Of the sender: what it says, and nothing more. */
  readonly source: string;
  readonly type: string;
  readonly time?: string;
  readonly subject?: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  readonly data_base64?: string;
  /** Extensions: text, numbers, booleans; over headers always text. */
  readonly [extension: string]: unknown;
}

type Sent = CloudEventAttributes & { readonly data?: unknown };
type Incoming = Pick<WebhookRequest, 'header' | 'headerNames' | 'content'>;

const STRUCTURED = 'application/cloudevents';
const BATCHED = 'application/cloudevents-batch';
const PREFIX = 'ce-';

/** Whether a body of this content type can be read: any that is not a format of CloudEvents, of which only JSON can. */
export function isKnownFormat(contentType: string | undefined): boolean {
  const type = mediaType(contentType);
  return !type.startsWith(STRUCTURED) || [`${STRUCTURED}+json`, STRUCTURED, `${BATCHED}+json`, BATCHED].includes(type);
}

/**
 * The events of a request in any of the three modes.
 *
 * @throws DecodeError for what is no CloudEvent 1.0
 */
export function readCloudEvents(request: Incoming): Sent[] {
  const type = mediaType(request.header('content-type'));
  if (type.startsWith(BATCHED)) return batch(parseJson(request.content));
  if (type.startsWith(STRUCTURED)) return [toSent(parseJson(request.content))];
  return [toSent({ ...attributesOf(request), ...dataOf(request.content, type) })];
}

function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function batch(value: unknown): Sent[] {
  if (!Array.isArray(value)) throw invalid('the body is a batch, and no JSON array');
  return value.map(toSent);
}

function toSent(value: unknown): Sent {
  if (!isObject(value)) throw invalid('the body, or a part of the batch, is not a JSON object');
  if (value['specversion'] !== '1.0') throw invalid('specversion is not 1.0');
  for (const name of ['id', 'source', 'type']) requireText(value, name);
  for (const [name, member] of Object.entries(value)) check(name, member);
  if (/\s/.test(value['source'] as string)) throw invalid('source is not a URI reference');
  // JSON has null for what is not set.
  return Object.fromEntries(
    Object.entries(value).filter(([name, member]) => name === 'data' || member !== null),
  ) as Sent;
}

function requireText(value: Payload, name: string): void {
  if (typeof value[name] !== 'string' || value[name] === '') throw invalid(`${name} is missing or empty`);
}

const CONTROL = /\p{Cc}/u;
const TEXTS = new Set(['subject', 'datacontenttype', 'dataschema', 'time', 'data_base64', 'id', 'source', 'type']);

function check(name: string, value: unknown): void {
  if (name === 'data' || value === null) return;
  if (!/^[a-z0-9]+$/.test(name) && name !== 'data_base64') {
    throw invalid('the name of an attribute has other characters than lower-case letters and digits');
  }
  if (TEXTS.has(name) ? typeof value !== 'string' : !['string', 'number', 'boolean'].includes(typeof value)) {
    throw invalid(`${name} is of a kind that attributes cannot be of`);
  }
  if (typeof value === 'string' && CONTROL.test(value)) throw invalid(`${name} has control characters`);
  if (name === 'time' && rfc3339(value as string) === undefined) throw invalid('time is not of RFC 3339');
}

/** Binary mode: the attributes are headers. */
function attributesOf(request: Incoming): Record<string, unknown> {
  const names = request.headerNames().filter((name) => name.startsWith(PREFIX));
  if (names.includes(`${PREFIX}data`)) throw invalid('there is a header ce-data, and the data is the body');
  if (names.length === 0) throw invalid('there are no headers ce-…, and the content type is no format of CloudEvents');
  const contentType = request.header('content-type');
  const entries = names.map((name) => [name.slice(PREFIX.length), headerText(name, request.header(name))]);
  return { ...Object.fromEntries(entries), ...(contentType !== undefined && { datacontenttype: contentType }) };
}

/** Percent-encoded UTF-8, within double quotes by older senders. */
function headerText(name: string, value: string | undefined): string {
  if (value === undefined) throw invalid(`the header ${name} came more than once`);
  const bare = /^"(.*)"$/.exec(value)?.[1]?.replace(/\\(.)/g, '$1') ?? value;
  try {
    return bare.replace(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent);
  } catch {
    throw invalid(`the header ${name} is not UTF-8`);
  }
}

/** JSON as its value, text as text, anything else in base64. */
function dataOf(content: Buffer, type: string): { data?: unknown } | { data_base64: string } {
  if (content.length === 0) return {};
  if (type === '' || type === 'application/json' || type.endsWith('+json')) return { data: parseJson(content) };
  const isText = type.startsWith('text/') && isUtf8(content);
  return isText ? { data: content.toString('utf8') } : { data_base64: content.toString('base64') };
}

function invalid(what: string): DecodeError {
  return decodeError('CLOUDEVENT_INVALID', {}, `${what}: this is no CloudEvent 1.0`);
}
