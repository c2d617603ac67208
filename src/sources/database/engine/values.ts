/** Bytes, as CloudEvents writes them within JSON. */
export interface Bytes {
  readonly data_base64: string;
}

/**
 * A value of a row: what JavaScript cannot hold exactly (64-bit numbers, decimals, times) is the text that the database
 * itself has for it.
 */
export type DatabaseValue = string | number | boolean | null | Bytes;

/** Whether a number is one that JSON has. */
export function finite(value: number): string | number {
  return Number.isFinite(value) ? value : String(value);
}

export function bytesOfHex(hex: string): Bytes {
  return { data_base64: Buffer.from(hex, 'hex').toString('base64') };
}

export function isBytes(value: unknown): value is Bytes {
  return typeof value === 'object' && value !== null && 'data_base64' in value;
}

const DATE_LENGTH = 10;

/** `2024-01-31 12:00:00.123456`, known to be UTC, as RFC 3339; what is no such time (`infinity`, a year zero) as it is. */
export function instantOf(text: string): string {
  if (text.charCodeAt(DATE_LENGTH) !== 32 || text.startsWith('0000')) return text;
  return `${text.slice(0, DATE_LENGTH)}T${text.slice(DATE_LENGTH + 1)}Z`;
}

/** Whether a value is a time of RFC 3339 as `instantOf` makes them. */
export function isInstant(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 20 && value.charCodeAt(DATE_LENGTH) === 84 && value.endsWith('Z');
}
