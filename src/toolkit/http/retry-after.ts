const SECONDS = /^\d+(\.\d+)?$/;
/** Nobody means more than a year; and a date must stay one that JavaScript can hold. */
export const LONGEST_WAIT_MS = 366 * 86_400_000;

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const IMF_FIXDATE = /^[a-z]{3,9},? +(\d{1,2})[ -]([a-z]{3})[ -](\d{4}|\d{2}) +(\d{2}):(\d{2}):(\d{2}) +(?:gmt|utc)$/i;
const ASCTIME = /^[a-z]{3} +([a-z]{3}) +(\d{1,2}) +(\d{2}):(\d{2}):(\d{2}) +(\d{4})$/i;

/**
 * How long `Retry-After` asks to wait, in milliseconds: 0 for a date that is past, at most 366 days, undefined when it
 * is neither seconds nor a date (RFC 9110 section 10.2.3).
 *
 * @param serverNow what the server takes the time to be: its `Date`, so that a wrong clock on either side does no harm
 */
export function parseRetryAfter(value: string | undefined, serverNow: number): number | undefined {
  const text = value?.trim() ?? '';
  const wait = SECONDS.test(text) ? Math.ceil(Number(text) * 1_000) : waitUntil(parseHttpDate(text), serverNow);
  return wait === undefined ? undefined : Math.min(LONGEST_WAIT_MS, Math.max(0, wait));
}

function waitUntil(date: number | undefined, serverNow: number): number | undefined {
  return date === undefined ? undefined : date - serverNow;
}

/**
 * Milliseconds since the epoch of an HTTP date in any of its three forms (RFC 9110 section 5.6.7); undefined for
 * everything else. `Date.parse` would take '120' for a year, and a date without zone for local time.
 */
export function parseHttpDate(text: string): number | undefined {
  const fixed = IMF_FIXDATE.exec(text.trim());
  if (fixed !== null) return instant(fixed[3], fixed[2], fixed[1], fixed.slice(4, 7));
  const asctime = ASCTIME.exec(text.trim());
  if (asctime !== null) return instant(asctime[6], asctime[1], asctime[2], asctime.slice(3, 6));
  return undefined;
}

function instant(
  year: string | undefined,
  month: string | undefined,
  day: string | undefined,
  time: readonly string[],
): number | undefined {
  const monthIndex = MONTHS.indexOf(month?.toLowerCase() ?? '');
  const [hour = 0, minute = 0, second = 0] = time.map(Number);
  if (monthIndex < 0 || hour > 23 || minute > 59 || second > 60) return undefined;
  const at = Date.UTC(fullYear(Number(year)), monthIndex, Number(day), hour, minute, second);
  // 31 February would become a day in March.
  return new Date(at).getUTCDate() === Number(day) || second === 60 ? at : undefined;
}

/** Two digits, as RFC 850 wrote it, are of the time around now. */
function fullYear(year: number): number {
  if (year >= 100) return year;
  return year >= 70 ? 1900 + year : 2000 + year;
}
