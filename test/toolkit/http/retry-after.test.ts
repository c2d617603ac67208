import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serverTime, waitAsked } from '../../../src/toolkit/http/rate-headers.js';
import { parseHttpDate, parseRetryAfter } from '../../../src/toolkit/http/retry-after.js';

const now = Date.UTC(2026, 10, 22, 12, 0, 0);
const YEAR_MS = 366 * 86_400_000;

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    [' 120 ', 120_000],
    ['1.5', 1_500],
    ['Sun, 22 Nov 2026 12:01:00 GMT', 60_000],
    ['Sunday, 22-Nov-26 12:01:00 GMT', 60_000],
    ['Sun Nov 22 12:01:00 2026', 60_000],
    ['Sun, 22 Nov 2026 11:59:00 GMT', 0],
    ['999999999999999999999', YEAR_MS],
    ['Fri, 31 Dec 9999 23:59:59 GMT', YEAR_MS],
    [undefined, undefined],
    ['', undefined],
    ['-1', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['soon', undefined],
    ['2026-11-22T12:01:00Z', undefined],
    ['Sun, 22 Nov 2026 12:01:00 PST', undefined],
    ['Sun, 31 Feb 2026 12:01:00 GMT', undefined],
    ['Sun, 22 Nov 2026 25:01:00 GMT', undefined],
  ])('RP3: %s', (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected);
  });

  it('RP3: property: whatever it is, the wait is undefined or within 0 and a year', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.integer().map(String),
      fc.bigInt().map(String),
      fc.double().map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const wait = parseRetryAfter(text, now);
        if (wait === undefined) return;
        expect(Number.isFinite(wait)).toBe(true);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(YEAR_MS);
      }),
    );
  });

  it('property: a date is read as it was written, to the second', () => {
    const dates = fc.date({
      min: new Date(Date.UTC(1971, 0, 1)),
      max: new Date(Date.UTC(2069, 0, 1)),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(dates, (date) => {
        const seconds = Math.floor(date.getTime() / 1_000) * 1_000;
        const [day = '', dayOfMonth = '', month = '', year = '', time = ''] = date.toUTCString().split(/[ ,]+/);
        expect(parseHttpDate(date.toUTCString())).toBe(seconds);
        expect(parseHttpDate(`${day} ${month} ${dayOfMonth.replace(/^0/, ' ')} ${time} ${year}`)).toBe(seconds);
        expect(parseHttpDate(`${day}day, ${dayOfMonth}-${month}-${year.slice(2)} ${time} GMT`)).toBe(seconds);
      }),
    );
  });
});

describe('GH5: the wait that a refusal asks for', () => {
  const date = { date: 'Sun, 22 Nov 2026 12:00:00 GMT' };
  const inOneMinute = String(now / 1_000 + 60);
  it.each([
    [
      'retry-after before the reset',
      { ...date, 'retry-after': '5', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inOneMinute },
      5_000,
    ],
    [
      'the reset, when nothing remains',
      { ...date, 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inOneMinute },
      60_000,
    ],
    [
      'nothing, when some remain',
      { ...date, 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': inOneMinute },
      undefined,
    ],
    [
      'at least a second for a reset that is past',
      { ...date, 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' },
      1_000,
    ],
    [
      'seconds from now, as the draft standard has it',
      { ...date, 'ratelimit-remaining': '0', 'ratelimit-reset': '7' },
      7_000,
    ],
    [
      'milliseconds since the epoch, too',
      { ...date, 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${inOneMinute}000` },
      60_000,
    ],
    ['a year at most', { ...date, 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '999999999999' }, YEAR_MS],
    ['nothing for nonsense', { ...date, 'x-ratelimit-remaining': '-', 'x-ratelimit-reset': 'NaN' }, undefined],
  ])('is %s', (_, headers, expected) => {
    // Our own clock is a day ahead: only the server's counts.
    expect(waitAsked(headers as Record<string, string>, now + 86_400_000)).toBe(expected);
  });

  it('is measured by our own clock where the server does not say its own', () => {
    expect(serverTime({}, 42)).toBe(42);
    expect(serverTime({ date: 'nonsense' }, 42)).toBe(42);
    expect(serverTime(date, 42)).toBe(now);
  });
});
