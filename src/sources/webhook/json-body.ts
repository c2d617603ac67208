import { isAscii, isUtf8 } from 'node:buffer';
import { decodeError, tooDeep } from '../../toolkit/decode/decode-error.js';
import { isDeeper, MAX_DEPTH } from '../../toolkit/decode/limits.js';

/**
 * The value that a body is, as JSON. Keys such as `__proto__` are data like any other.
 * @throws DecodeError for what is no JSON, is not UTF-8, or is nested deeper than 100.
 */
export function parseJson(content: Buffer): unknown {
  return parseJsonText(textOf(content));
}

/** A body as text, without the mark that some senders put before it. */
export function textOf(content: Buffer): string {
  // Most senders escape what is not ASCII, and that is decoded in half the time.
  if (isAscii(content)) return content.toString('latin1');
  if (!isUtf8(content)) throw decodeError('INVALID_ENCODING', {}, 'the body is not UTF-8');
  const text = content.toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** As `parseJson`, for what was text in another format. */
export function parseJsonText(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw decodeError('JSON_SYNTAX', {}, 'the body is not a JSON value');
  }
  if (isDeeper(value, MAX_DEPTH, text.length)) throw tooDeep({}, MAX_DEPTH);
  return value;
}

export function requireObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw decodeError('JSON_SYNTAX', {}, 'the body is not a JSON object');
}
