import { isUtf8 } from 'node:buffer';
import * as z from 'zod';
import { redactText } from '../../core/secret.js';
import { messageOf } from '../../core/thrown.js';
import { jsonProblem } from '../../toolkit/json-problem.js';

/** Where a payload comes from, for those who decode it themselves. */
export interface PayloadOrigin {
  /** Topic, queue, stream, list or channel. */
  readonly name: string;
  /** Headers of the message, where the protocol has some. */
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * A function of the host's that makes a value out of a payload; a schema registry is asked here. What it gives has to be
 * JSON; what it throws makes the message an invalid one.
 *
 * ```ts
 * const format: PayloadDecoder = (bytes) => registry.decode(Buffer.from(bytes));
 * ```
 */
export type PayloadDecoder = (bytes: Uint8Array, origin: PayloadOrigin) => unknown;

/** What the bytes of a message are. */
export const payloadFormat = z.union(
  [z.enum(['json', 'text', 'base64']), z.custom<PayloadDecoder>((value) => typeof value === 'function')],
  { error: "expected 'json', 'text', 'base64' or a function" },
);

export type PayloadFormat = z.input<typeof payloadFormat>;

/** The value of a payload, or why it has none. */
export type Payload =
  | { readonly value: unknown; readonly reason?: undefined }
  | { readonly reason: string; readonly value?: undefined };

/** The value of a payload; a promise only where the host's function gives one. */
export function readPayload(
  format: PayloadFormat,
  bytes: Buffer,
  name: string,
  headers?: PayloadOrigin['headers'],
): Payload | Promise<Payload> {
  if (format === 'base64') return { value: bytes.toString('base64') };
  if (typeof format === 'function') return decodedBy(format, bytes, { name, headers });
  const text = bytes.toString('utf8');
  // What stands in for bytes that are no UTF-8 is looked for first, as it is nearly never there.
  if (text.includes('\ufffd') && !isUtf8(bytes)) return { reason: 'it is not UTF-8' };
  if (format === 'text') return { value: text };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { reason: `it is not JSON: ${messageOf(error)}` };
  }
}

function decodedBy(decode: PayloadDecoder, bytes: Buffer, origin: PayloadOrigin): Payload | Promise<Payload> {
  try {
    const value = decode(bytes, origin);
    return value instanceof Promise ? value.then(asPayload, asReason) : asPayload(value);
  } catch (error) {
    return asReason(error);
  }
}

function asPayload(value: unknown): Payload {
  const problem = jsonProblem(value, 'the value');
  return problem === undefined ? { value } : { reason: `its decoder gave no JSON: ${problem}` };
}

function asReason(error: unknown): Payload {
  return { reason: `its decoder failed: ${redactText(messageOf(error))}` };
}
