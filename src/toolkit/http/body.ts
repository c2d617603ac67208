import { Buffer } from 'node:buffer';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { ConnectionError, FatalError } from '../../core/errors.js';

export const ACCEPT_ENCODING = 'gzip, deflate, br';

export interface BodyOptions {
  /** 'GET https://…', for messages. */
  label: string;
  /** Bytes after decompression. */
  maxBytes: number;
  /** What is beyond the limit is left unread, not an error: of errors the beginning will do. */
  isCut?: boolean | undefined;
  contentEncoding: string | undefined;
  /** Told of bytes as they come, compressed as they are. */
  onBytes(count: number): void;
}

/** More than one is odd already; each is a way to make much of little. */
const MOST_ENCODINGS = 2;

/**
 * A body to its end, decompressed. What grows beyond the limit is stopped there, so neither a large body nor a small one
 * that unpacks to much is ever held.
 *
 * @throws FatalError (HTTP_BODY_TOO_LARGE, HTTP_ENCODING), ConnectionError for compressed data that is cut off or broken
 */
export async function readBody(body: Readable, options: BodyOptions): Promise<Uint8Array> {
  let bytes: Bytes = counted(body, options.onBytes);
  for (const decode of decodersOf(body, options)) bytes = decode(bytes);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // Whoever leaves this loop destroys the body and its connection.
    for await (const chunk of bytes) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > options.maxBytes) break;
    }
  } catch (error) {
    throw asBodyError(error, options);
  }
  if (size > options.maxBytes && options.isCut !== true) throw tooLarge(options);
  return Buffer.concat(chunks, Math.min(size, options.maxBytes));
}

async function* counted(source: Bytes, onBytes: (count: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    onBytes(chunk.length);
    yield chunk;
  }
}

function asBodyError(error: unknown, { label }: BodyOptions): unknown {
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string' || !/^(Z_|ERR__ERROR_FORMAT|ERR_BROTLI|ERR_PADDING)/.test(code)) return error;
  return new ConnectionError(`${label}: the compressed body is cut off or broken (${code}). Try again later`, {
    code: 'HTTP_BODY_BROKEN',
  });
}

function tooLarge({ label, maxBytes }: BodyOptions): FatalError {
  return new FatalError(
    `the body of ${label} is larger than ${maxBytes} bytes, decompressed. Ask for less at once (fewer items on a page)`,
    { code: 'HTTP_BODY_TOO_LARGE' },
  );
}

/** In the order in which they are taken off: the last one named was applied last (RFC 9110 section 8.4). */
function decodersOf(body: Readable, { contentEncoding, label }: BodyOptions): Decoder[] {
  const names = (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  const decoders = names.flatMap((name) => DECODERS.get(name) ?? []);
  if (decoders.length < names.length || names.length > MOST_ENCODINGS) {
    body.on('error', () => {}).destroy();
    throw new FatalError(`${label} answered in an encoding that was not asked for (${names.join(', ').slice(0, 80)})`, {
      code: 'HTTP_ENCODING',
    });
  }
  return decoders.reverse();
}

type Bytes = AsyncIterable<Buffer>;
type Decoder = (source: Bytes) => Bytes;

const DECODERS = new Map<string, Decoder>([
  ['gzip', (source) => decoded(source, () => createGunzip())],
  ['x-gzip', (source) => decoded(source, () => createGunzip())],
  ['br', (source) => decoded(source, () => createBrotliDecompress())],
  // Some servers leave out the header of zlib, whose lower four bits say "deflate".
  ['deflate', (source) => decoded(source, (first) => (isZlib(first) ? createInflate() : createInflateRaw()))],
]);

function isZlib(first: Buffer): boolean {
  return ((first[0] ?? 0) & 0x0f) === 0x08;
}

/** An empty body is empty, whatever its headers say of it. */
async function* decoded(source: Bytes, create: (first: Buffer) => Transform): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return;
  const decoder = create(first.value);
  const feeding = pipeline(Readable.from(again(first.value, iterator)), decoder);
  // A reader that leaves early breaks it off; what fails otherwise also fails the decoder.
  feeding.catch(() => {});
  yield* decoder as Bytes;
}

async function* again(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
