import { createHash } from 'node:crypto';

/** Hexadecimal digits of a hashed key. */
export const KEY_LENGTH = 32;

/**
 * A key of any length and content, as one that every database tells apart from all others: databases cut, fold and pad
 * text, and PostgreSQL takes no NUL. 128 bits of SHA-256.
 */
export function hashKey(key: string): string {
  // JSON, because encoding alone makes one character of all halves of surrogate pairs.
  return createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, KEY_LENGTH);
}
