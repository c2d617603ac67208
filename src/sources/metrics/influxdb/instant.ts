const NANOSECONDS_OF_SECOND = 1_000_000_000n;
const NANOSECONDS_OF_MILLISECOND = 1_000_000n;
const SHAPE = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?$/;

/**
 * A time as InfluxDB writes it, in nanoseconds since 1970, every digit kept; undefined for what is none. Without an offset
 * it is UTC: so InfluxDB 3 writes it.
 */
export function readInstant(text: string): bigint | undefined {
  const match = SHAPE.exec(text);
  if (match === null) return undefined;
  const [, date = '', time = '', fraction = '', offset = 'Z'] = match;
  const milliseconds = Date.parse(`${date}T${time}${offset}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * NANOSECONDS_OF_MILLISECOND + BigInt(fraction.padEnd(9, '0'));
}

/** RFC 3339 in UTC: milliseconds, and nanoseconds where there are some. */
export function instantText(nanoseconds: bigint): string {
  const within = modulo(nanoseconds, NANOSECONDS_OF_SECOND);
  const seconds = new Date(Number((nanoseconds - within) / NANOSECONDS_OF_MILLISECOND)).toISOString().slice(0, 19);
  const digits = within.toString().padStart(9, '0');
  return `${seconds}.${digits.endsWith('000000') ? digits.slice(0, 3) : digits}Z`;
}

export function fromMilliseconds(milliseconds: number): bigint {
  return BigInt(milliseconds) * NANOSECONDS_OF_MILLISECOND;
}

/** The millisecond that it lies in. */
export function toMilliseconds(nanoseconds: bigint): number {
  return Number((nanoseconds - modulo(nanoseconds, NANOSECONDS_OF_MILLISECOND)) / NANOSECONDS_OF_MILLISECOND);
}

function modulo(value: bigint, by: bigint): bigint {
  return ((value % by) + by) % by;
}
