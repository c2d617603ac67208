/** A time as a line writes it, in the order of a calendar; `month` counts from 1. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/**
 * The time put together as if it were UTC, in milliseconds. undefined for what no calendar or clock shows: `Date.UTC`
 * itself takes 29 February of any year for a day of March. Leap seconds are refused, as RFC 5424 (6.2.3) has it.
 */
export function wallMilliseconds({ year, month, day, hour, minute, second }: WallTime): number | undefined {
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  // `Date.UTC` takes years below 100 for those of the last century.
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return date.setUTCHours(hour, minute, second);
}
