import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTimestamp } from '../../../../src/sources/logs/format/timestamp.js';
import { createZone, isZone, UTC } from '../../../../src/sources/logs/format/zone.js';

const inBerlin = createZone('Europe/Berlin');

test.each([
  ['2024-01-02T03:04:05Z', '2024-01-02T03:04:05Z'],
  ['2024-01-02T03:04:05.123456789Z', '2024-01-02T03:04:05.123456789Z'],
  ['2024-01-02t03:04:05z', '2024-01-02T03:04:05Z'],
  ['2024-01-02 03:04:05,678 +0100', '2024-01-02T03:04:05.678+01:00'],
  ['2024-01-02T03:04:05-03', '2024-01-02T03:04:05-03:00'],
  ['2024-01-02T03:04:05+00:00', '2024-01-02T03:04:05Z'],
  ['2024-01-02T03:04:05-00:00', '2024-01-02T03:04:05-00:00'],
  ['2024-01-02 03:04:05 UTC', '2024-01-02T03:04:05Z'],
  ['2024-01-02T03:04Z', '2024-01-02T03:04:00Z'],
  ['2016-12-31T23:59:60Z', '2016-12-31T23:59:60Z'],
  ['10/Oct/2000:13:55:36 -0700', '2000-10-10T13:55:36-07:00'],
  ['Mon, 02 Jan 2006 15:04:05 GMT', '2006-01-02T15:04:05Z'],
  ['2 Jan 2006 15:04:05 -0700', '2006-01-02T15:04:05-07:00'],
  [1_700_000_000, '2023-11-14T22:13:20Z'],
  [1_700_000_000.25, '2023-11-14T22:13:20.25Z'],
  [1_700_000_000_123, '2023-11-14T22:13:20.123Z'],
  [1_700_000_000_123.5, '2023-11-14T22:13:20.1235Z'],
  [1_700_000_000_123_456, '2023-11-14T22:13:20.123456Z'],
  ['1700000000123456789', '2023-11-14T22:13:20.123456789Z'],
  ['1700000000.000001', '2023-11-14T22:13:20.000001Z'],
])('%s is %s, whatever the zone of the reader', (value, time) => {
  for (const zone of [UTC, inBerlin]) expect(readTimestamp(value, zone)).toEqual({ time, isAssumed: false });
});

describe('a time without a zone', () => {
  test.each(['2024-01-01T00:00:00', '2024-01-01 00:00:00', '2024/01/01 00:00:00'])(
    '%s is in the zone that was configured, and never in that of the machine',
    (text) => {
      expect(readTimestamp(text, UTC)).toEqual({ time: '2024-01-01T00:00:00Z', isAssumed: true });
      expect(readTimestamp(text, inBerlin)).toEqual({ time: '2024-01-01T00:00:00+01:00', isAssumed: true });
      expect(readTimestamp(text, createZone('-0330'))).toEqual({ time: '2024-01-01T00:00:00-03:30', isAssumed: true });
    },
  );

  test.each([
    ['before the clocks are set forward', '2024-03-31 01:59:59.9', '2024-03-31T01:59:59.9+01:00'],
    ['that no clock shows', '2024-03-31 02:30:00', '2024-03-31T02:30:00+01:00'],
    ['after they were', '2024-03-31 03:00:00', '2024-03-31T03:00:00+02:00'],
    ['that clocks show twice: the first', '2024-10-27 02:30:00', '2024-10-27T02:30:00+02:00'],
    ['after they were set back', '2024-10-27 03:00:00', '2024-10-27T03:00:00+01:00'],
  ])('%s', (_, text, time) => {
    expect(readTimestamp(text, inBerlin)?.time).toBe(time);
  });
});

test.each([
  '2023-02-29T00:00:00Z',
  '2024-04-31T00:00:00Z',
  '2024-13-01T00:00:00Z',
  '2024-00-01T00:00:00Z',
  '2024-01-00 00:00:00',
  '2024-01-01T24:00:00Z',
  '2024-01-01T00:60:00Z',
  '2024-01-01T00:00:00.Z',
  '2024-01-01T00:00:00+25:00',
  '2024-01-01/00:00:00',
  '2024-01-01',
  '30/Feb/2000:13:55:36 -0700',
  '10/Foo/2000:13:55:36 -0700',
  'yesterday',
  '',
  '12345',
  42,
  -1_700_000_000,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  true,
  null,
  {},
  `${' '.repeat(1_000)}2024-01-01T00:00:00Z`,
])('%j is no time', (value) => {
  expect(readTimestamp(value, UTC)).toBeUndefined();
});

test('whatever is a time to JavaScript comes out as the same instant', () => {
  const date = fc.date({
    min: new Date('1973-04-01T00:00:00Z'),
    max: new Date('5000-01-01T00:00:00Z'),
    noInvalidDate: true,
  });
  const zones = [UTC, inBerlin, createZone('America/St_Johns'), createZone('Asia/Kathmandu'), createZone('+05:45')];
  fc.assert(
    fc.property(date, fc.constantFrom(...zones), (when, zone) => {
      for (const value of [when.toISOString(), when.getTime(), `${when.getTime()}`]) {
        const read = readTimestamp(value, zone)?.time ?? '';
        expect(Date.parse(read)).toBe(when.getTime());
      }
      expect(Date.parse(readTimestamp(when.toUTCString(), zone)?.time ?? '')).toBe(
        Math.floor(when.getTime() / 1_000) * 1_000,
      );
    }),
  );
});

test('what the clocks of a zone show is read as the instant when they show it', () => {
  const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'];
  const date = fc.date({
    min: new Date('1990-01-01T00:00:00Z'),
    max: new Date('2030-01-01T00:00:00Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(date, fc.constantFrom(...zones), (when, name) => {
      const shown = when.toLocaleString('sv-SE', { timeZone: name });
      const read = readTimestamp(shown, createZone(name))?.time ?? '';
      // Of two instants at which clocks show the same, the first is meant.
      expect(new Date(read).toLocaleString('sv-SE', { timeZone: name })).toBe(shown);
      expect(Date.parse(read)).toBeLessThanOrEqual(when.getTime());
    }),
  );
});

test.each(['UTC', 'Z', '+02:00', '-0330', 'Europe/Berlin'])('%s is a zone', (name) => expect(isZone(name)).toBe(true));
test.each(['', 'Mars/Olympus', '+2', 'local'])('%j is none', (name) => expect(isZone(name)).toBe(false));
