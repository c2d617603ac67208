import type { DecodeError } from '../../core/errors.js';
import { decodeError, type Place } from './decode-error.js';

/** Bytes of a UTF-8 byte order mark at the beginning: 0 or 3. */
export function byteOrderMarkLength(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/** Bytes at the beginning of a file that are looked at, whatever the size of the chunks. */
export const HEAD_BYTES = 4_096;

/** Why these first bytes of a file are no text that can be read. */
export function whyNotText(file: Buffer, place: Place): DecodeError | undefined {
  const bytes = file.subarray(0, HEAD_BYTES);
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (isUtf16) return decodeError('INVALID_ENCODING', place, 'it is UTF-16; save it as UTF-8');
  if (bytes.includes(0))
    return decodeError('BINARY', place, 'it holds NUL bytes, so it is no text; leave it out (exclude)');
  return undefined;
}
