/** A position in the write-ahead log, as a 64-bit number: its text does not sort. */
export type Lsn = bigint;

const PATTERN = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i;
const LOW_BITS = 32n;
const LOW = 0xffff_ffffn;

/** `16/B374D848` as PostgreSQL writes it. @throws RangeError when it is nothing of the kind */
export function parseLsn(text: string): Lsn {
  const [, high, low] = PATTERN.exec(text) ?? [];
  if (high === undefined || low === undefined) throw new RangeError(`no position in the log: ${JSON.stringify(text)}`);
  return (BigInt(`0x${high}`) << LOW_BITS) | BigInt(`0x${low}`);
}

export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> LOW_BITS).toString(16)}/${(lsn & LOW).toString(16)}`.toUpperCase();
}

export function isLsn(text: string): boolean {
  return PATTERN.test(text);
}

export function later(one: Lsn, other: Lsn): Lsn {
  return one > other ? one : other;
}
