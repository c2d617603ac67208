import { FatalError } from '../../core/errors.js';

/**
 * The `ts` of a message: seconds and six digits, '1718000000.000100'. It is the message's identity within its channel,
 * so it stays text from end to end: a number would lose its zeros.
 */
export type Ts = string;

/** Before every message, and after every message: bounds that depend on nobody's clock. */
export const FIRST_TS: Ts = '0000000000.000000';
export const LAST_TS: Ts = '9999999999.999999';

const MICROS = 1_000_000n;
const USUAL = /^\d{10}\.\d{6}$/;

/** @throws FatalError (SLACK_TS) for what is no `ts` */
export function toMicros(ts: Ts): bigint {
  const match = /^(\d{1,12})\.(\d{1,6})$/.exec(ts);
  if (match !== null) return BigInt(match[1] as string) * MICROS + BigInt((match[2] as string).padEnd(6, '0'));
  throw new FatalError(`"${String(ts).slice(0, 40)}" is not the ts of a message: is what answers really Slack?`, {
    code: 'SLACK_TS',
  });
}

export function fromMicros(micros: bigint): Ts {
  const seconds = String(micros / MICROS).padStart(10, '0');
  return `${seconds}.${String(micros % MICROS).padStart(6, '0')}`;
}

/** By time: negative when `left` is earlier. */
export function compareTs(left: Ts, right: Ts): number {
  if (left === right) return 0;
  // Of the same form, as good as all of them are, text compares as the numbers do.
  if (USUAL.test(left) && USUAL.test(right)) return left < right ? -1 : 1;
  const [leftMicros, rightMicros] = [toMicros(left), toMicros(right)];
  return leftMicros === rightMicros ? 0 : leftMicros < rightMicros ? -1 : 1;
}

export function isAfter(ts: Ts, other: Ts): boolean {
  return compareTs(ts, other) > 0;
}

export function earlierOf(left: Ts, right: Ts): Ts {
  return isAfter(left, right) ? right : left;
}

export function laterOf(left: Ts, right: Ts): Ts {
  return isAfter(left, right) ? left : right;
}

/** The next `ts` there could be: an exclusive bound that still lets `ts` through. */
export function justAfter(ts: Ts): Ts {
  return fromMicros(toMicros(ts) + 1n);
}

export function justBefore(ts: Ts): Ts {
  const micros = toMicros(ts);
  return fromMicros(micros > 0n ? micros - 1n : 0n);
}

/** From milliseconds since 1970. */
export function tsOfTime(milliseconds: number): Ts {
  return fromMicros(BigInt(Math.max(0, Math.floor(milliseconds))) * 1_000n);
}

/** RFC 3339 with all six digits. */
export function timeOf(ts: Ts): string {
  const micros = toMicros(ts);
  const seconds = new Date(Number(micros / MICROS) * 1_000).toISOString().slice(0, 19);
  return `${seconds}.${String(micros % MICROS).padStart(6, '0')}Z`;
}
