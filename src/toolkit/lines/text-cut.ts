export type TextEncoding = 'utf8' | 'latin1';

/** The longest run of bytes that may continue one character. */
const MOST_CONTINUING = 3;

/**
 * Where text that begins at `from` can be cut, at `end` or shortly before it, so that no character is cut in two. That
 * is `from` itself where there is not one whole character.
 */
export function cutBefore(bytes: Buffer, from: number, end: number, encoding: TextEncoding): number {
  if (encoding === 'latin1') return end;
  for (let at = end - 1; at >= from && at >= end - MOST_CONTINUING - 1; at -= 1) {
    const byte = bytes[at] as number;
    // 10xxxxxx continues a character, and 0xxxxxxx is one.
    if ((byte & 0b1100_0000) === 0b1000_0000) continue;
    return at + lengthOf(byte) <= end ? end : at;
  }
  return end;
}

/** How many bytes a character has, by its first: RFC 3629. */
function lengthOf(first: number): number {
  if (first >= 0b1111_0000) return 4;
  if (first >= 0b1110_0000) return 3;
  return first >= 0b1100_0000 ? 2 : 1;
}

/**
 * Beyond about a million bytes Node keeps the characters of a text outside of the heap of V8, which then sees no reason
 * to collect them until there are 64 MiB: https://github.com/nodejs/node/blob/main/src/string_bytes.cc (EXTERN_APEX).
 */
export const LONG_TEXT_BYTES = 524_288;

/** The text of these bytes, in the heap however long it is. */
export function decode(bytes: Buffer, from: number, end: number, encoding: TextEncoding): string {
  let text = '';
  let at = from;
  while (end - at > LONG_TEXT_BYTES) {
    const cut = cutBefore(bytes, at, at + LONG_TEXT_BYTES, encoding);
    text += bytes.toString(encoding, at, cut);
    at = cut;
  }
  return text + bytes.toString(encoding, at, end);
}
