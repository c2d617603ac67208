export type Unit = 's' | 'ms' | 'us' | 'ns';

const MILLISECONDS: Readonly<Record<string, number>> = {
  s: 1_000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  μs: 0.001,
  ns: 0.000_001,
};
const WITH_UNIT = /^(\d{1,15}(?:\.\d{1,15})?) ?(s|ms|us|µs|μs|ns)$/;
const NUMBER = /^\d{1,15}(?:\.\d{1,15})?$/;

/** Milliseconds, to the nanosecond. A text may say its own unit: '7.75ms'. Undefined where it is no duration. */
export function readDuration(value: unknown, unit: Unit): number | undefined {
  if (typeof value === 'number') return toMilliseconds(value, unit);
  if (typeof value !== 'string') return undefined;
  const [, number, own] = WITH_UNIT.exec(value) ?? [];
  if (own !== undefined) return toMilliseconds(Number(number), own);
  return NUMBER.test(value) ? toMilliseconds(Number(value), unit) : undefined;
}

function toMilliseconds(value: number, unit: string): number | undefined {
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) return undefined;
  // 0.000929675 seconds are 0.929675 ms, and not 0.9296749999999999.
  return Math.round(value * (MILLISECONDS[unit] ?? 1) * 1_000_000) / 1_000_000;
}
