import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSyslogFormat } from '../../../../src/sources/logs/format/syslog.js';

const NOW = Date.parse('2026-11-25T12:00:00Z');
const format = createSyslogFormat();
const DAY_MS = 86_400_000;
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

function timeOf(text: string, received: string, zone?: string): string | undefined {
  const line = `${text} host app: message`;
  return createSyslogFormat({ zone }).parse(line, Date.parse(received)).time;
}

describe('a line of RFC 3164', () => {
  it('gives facility, severity, host, program, process id, message and time', () => {
    const line = "<34>Oct 11 22:14:15 mymachine su[77]: 'su root' failed for lonvick on /dev/pts/8";
    expect(format.parse(line, NOW)).toEqual({
      fields: { facility: 4, severity: 2, host: 'mymachine', app: 'su', procid: '77' },
      message: "'su root' failed for lonvick on /dev/pts/8",
      level: 'critical',
      time: '2026-10-11T22:14:15Z',
      assumedZone: 'UTC',
    });
  });

  it.each([
    [
      'as rsyslog writes files',
      'Nov  5 01:02:03 web-1 sshd[812]: closed',
      { host: 'web-1', app: 'sshd', procid: '812' },
      'closed',
    ],
    [
      'as rsyslog writes and forwards with the time of RFC 3339',
      '2026-11-05T01:02:03.123456+01:00 web-1 sshd[812]: closed',
      { host: 'web-1', app: 'sshd', procid: '812' },
      'closed',
    ],
    ['with a single digit and no padding', 'Nov 5 01:02:03 web-1 app: text', { host: 'web-1', app: 'app' }, 'text'],
    ['without a host', 'Nov  5 01:02:03 app[1]: text', { app: 'app', procid: '1' }, 'text'],
    ['without a host and a process id', 'Nov  5 01:02:03 app: text', { app: 'app' }, 'text'],
    [
      'without a tag',
      'Nov  5 01:02:03 web-1 last message repeated 3 times',
      { host: 'web-1' },
      'last message repeated 3 times',
    ],
    ['with an address as its host', 'Nov  5 01:02:03 fe80::1 app: text', { host: 'fe80::1', app: 'app' }, 'text'],
    [
      'with a chain of relays',
      'Nov  5 01:02:03 src@relay/web-1 app: text',
      { host: 'src@relay/web-1', app: 'app' },
      'text',
    ],
    [
      'with a slash in the tag',
      'Nov  5 01:02:03 mx postfix/smtpd[9]: text',
      { host: 'mx', app: 'postfix/smtpd', procid: '9' },
      'text',
    ],
    [
      'with colons in the tag',
      'Nov  5 01:02:03 h My::Module[9]: text',
      { host: 'h', app: 'My::Module', procid: '9' },
      'text',
    ],
    ['with a tag of Cisco', 'Nov  5 01:02:03 asa %ASA-6-302013: Built', { host: 'asa', app: '%ASA-6-302013' }, 'Built'],
    ['with an empty process id', 'Nov  5 01:02:03 h app[]: text', { host: 'h', app: 'app', procid: '' }, 'text'],
    [
      'with a process id and no colon',
      'Nov  5 01:02:03 h CRON[5] (root) CMD',
      { host: 'h', app: 'CRON', procid: '5' },
      '(root) CMD',
    ],
    ['with nothing behind the tag', 'Nov  5 01:02:03 h app:', { host: 'h', app: 'app' }, ''],
    ['with a message of several lines', 'Nov  5 01:02:03 h app: one\ntwo', { host: 'h', app: 'app' }, 'one\ntwo'],
    ['with spaces that belong to the message', 'Nov  5 01:02:03 h app:   text', { host: 'h', app: 'app' }, '  text'],
    ['of the kernel', 'Nov  5 01:02:03 h kernel: [ 12.5] text', { host: 'h', app: 'kernel' }, '[ 12.5] text'],
  ])('is understood %s', (_, line, fields, message) => {
    for (const [head, more] of [
      ['', {}],
      ['<13>', { facility: 1, severity: 5 }],
    ] as const) {
      expect(format.parse(head + line, NOW)).toMatchObject({ fields: { ...more, ...fields }, message });
      expect(Object.keys(format.parse(head + line, NOW).fields).sort()).toEqual(
        Object.keys({ ...more, ...fields }).sort(),
      );
    }
  });

  it.each([
    ['before the month', '2019 Nov  5 01:02:03', '2019-11-05T01:02:03Z', 'UTC'],
    ['behind the day', 'Nov  5 2019 01:02:03', '2019-11-05T01:02:03Z', 'UTC'],
    ['behind the time', 'Nov  5 01:02:03 2019', '2019-11-05T01:02:03Z', 'UTC'],
    ['and a zone', 'Nov  5 2019 01:02:03.25 UTC:', '2019-11-05T01:02:03.25Z', undefined],
    ['and an offset', 'Nov  5 2019 01:02:03 -0330', '2019-11-05T01:02:03-03:30', undefined],
  ])('may have the year %s', (_, stamp, time, assumedZone) => {
    const parsed = format.parse(`<13>${stamp} host app: text`, NOW);
    expect(parsed).toMatchObject({ time, message: 'text', fields: { host: 'host', app: 'app' } });
    expect(parsed.assumedZone).toBe(assumedZone);
  });

  it('keeps the digits of the second as they are', () => {
    expect(timeOf('Nov  5 01:02:03.100', '2026-11-25T12:00:00Z')).toBe('2026-11-05T01:02:03.100Z');
    expect(timeOf('2026-11-05T01:02:03.123456+01:00', '2026-11-25T12:00:00Z')).toBe('2026-11-05T01:02:03.123456+01:00');
  });

  it('is a message whatever follows <PRI>, and no line of syslog without <PRI> and time', () => {
    expect(format.parse('<0>Use the BFG!', NOW)).toMatchObject({
      fields: { facility: 0, severity: 0 },
      message: 'Use the BFG!',
      level: 'emergency',
    });
    expect(format.parse('<13>app[4]: text', NOW)).toMatchObject({
      fields: { app: 'app', procid: '4' },
      message: 'text',
    });
    expect(format.parse('Use the BFG!', NOW)).toMatchObject({ fields: {}, parseError: { code: 'SYSLOG_HEADER' } });
    expect(format.parse('', NOW)).toMatchObject({ fields: {}, parseError: { code: 'SYSLOG_HEADER' } });
    expect(format.parse('<192>Nov  5 01:02:03 h app: text', NOW)).toMatchObject({
      fields: {},
      parseError: { code: 'SYSLOG_PRIORITY' },
    });
  });

  it.each([
    'Nov 31 01:02:03',
    'Feb 30 01:02:03',
    'Nov  5 24:00:00',
    'Nov  5 01:60:00',
    'Nov  0 01:02:03',
    '2026-02-30T01:02:03Z',
    '2026-01-01T01:02:03',
  ])('with %s, which no calendar or clock shows, is an error', (stamp) => {
    expect(format.parse(`<13>${stamp} h app: text`, NOW)).toEqual({
      fields: {},
      parseError: { code: 'SYSLOG_TIME', message: expect.any(String) },
    });
  });
});

describe('LG10: the year that a line does not name', () => {
  it('is the one before for 31 December received on 1 January', () => {
    expect(timeOf('Dec 31 23:59:59', '2027-01-01T00:00:03Z')).toBe('2026-12-31T23:59:59Z');
  });

  it('is the next for 1 January received on 31 December, from a sender whose clock is ahead', () => {
    expect(timeOf('Jan  1 00:00:05', '2026-12-31T23:59:58Z')).toBe('2027-01-01T00:00:05Z');
  });

  it('places the time within eleven months before and a day after its receipt, whatever day it is', () => {
    const received = fc.date({ min: new Date('1971-06-01'), max: new Date('2199-01-01'), noInvalidDate: true });
    const age = fc.integer({ min: -DAY_MS, max: 334 * DAY_MS });
    fc.assert(
      fc.property(received, age, (at, ago) => {
        const written = new Date(Math.floor((at.getTime() - ago) / 1_000) * 1_000);
        const day = String(written.getUTCDate()).padStart(2, ' ');
        const stamp = `${MONTHS[written.getUTCMonth()]} ${day} ${written.toISOString().slice(11, 19)}`;
        expect(format.parse(`${stamp} h app: text`, at.getTime()).time).toBe(`${written.toISOString().slice(0, 19)}Z`);
      }),
    );
  });

  it('of 29 February is a leap year, or there is none', () => {
    expect(timeOf('Feb 29 10:00:00', '2028-03-01T00:00:00Z')).toBe('2028-02-29T10:00:00Z');
    expect(timeOf('Feb 29 10:00:00', '2029-01-10T00:00:00Z')).toBe('2028-02-29T10:00:00Z');
    expect(timeOf('Feb 29 10:00:00', '2027-03-01T00:00:00Z')).toBeUndefined();
    expect(format.parse('Feb 29 10:00:00 h app: text', NOW).parseError?.code).toBe('SYSLOG_TIME');
  });

  it('is told in the zone of the line', () => {
    expect(timeOf('Jan  1 00:30:00', '2026-12-31T23:45:00Z', 'Europe/Berlin')).toBe('2027-01-01T00:30:00+01:00');
    expect(timeOf('Dec 31 19:30:00', '2027-01-01T00:35:00Z', 'America/New_York')).toBe('2026-12-31T19:30:00-05:00');
  });
});

describe('LG10: the zone that a line does not name', () => {
  it('is UTC unless told, and is flagged', () => {
    expect(format.parse('Nov  5 01:02:03 h app: text', NOW)).toMatchObject({
      time: '2026-11-05T01:02:03Z',
      assumedZone: 'UTC',
    });
    const berlin = createSyslogFormat({ zone: 'Europe/Berlin' }).parse('Nov  5 01:02:03 h app: text', NOW);
    expect(berlin).toMatchObject({ time: '2026-11-05T01:02:03+01:00', assumedZone: 'Europe/Berlin' });
    expect(format.parse('2026-11-05T01:02:03+01:00 h app: text', NOW).assumedZone).toBeUndefined();
    expect(format.parse('<13>1 2026-11-05T01:02:03Z h app - - - text', NOW).assumedZone).toBeUndefined();
  });

  it('takes the first of the two instants that a clock shows twice', () => {
    expect(timeOf('Oct 25 02:30:00', '2026-10-26T00:00:00Z', 'Europe/Berlin')).toBe('2026-10-25T02:30:00+02:00');
  });

  it('reads what a clock never shows as though it had not yet been set forward', () => {
    expect(timeOf('Mar 29 02:30:00', '2026-03-30T00:00:00Z', 'Europe/Berlin')).toBe('2026-03-29T02:30:00+01:00');
  });

  it('must be one that is known', () => {
    expect(() => createSyslogFormat({ zone: 'Europe/Atlantis' })).toThrow(RangeError);
  });
});

it('what was written comes out as it went in', () => {
  const word = (pattern: RegExp) => fc.stringMatching(pattern);
  const parts = fc.record({
    priority: fc.integer({ min: 0, max: 191 }),
    // A host of that name is taken for the zone or the year that some devices write there.
    host: word(/^[A-Za-z0-9][A-Za-z0-9.-]{0,20}$/).filter((host) => !/^(?:Z|UTC|GMT|(?:19|20)\d{2})$/.test(host)),
    app: word(/^[^\s[\]]{1,20}$/).filter((app) => !app.endsWith(':')),
    procid: fc.option(word(/^[^\s[\]]{0,8}$/), { nil: undefined }),
    message: fc.string({ unit: 'grapheme' }),
  });
  fc.assert(
    fc.property(parts, ({ priority, host, app, procid, message }) => {
      const tag = procid === undefined ? app : `${app}[${procid}]`;
      const {
        fields,
        message: found,
        parseError,
      } = format.parse(`<${priority}>Nov  5 01:02:03 ${host} ${tag}: ${message}`, NOW);
      expect(parseError).toBeUndefined();
      const { facility, severity, ...named } = fields as Record<string, unknown>;
      expect(Number(facility) * 8 + Number(severity)).toBe(priority);
      expect(named).toEqual(procid === undefined ? { host, app } : { host, app, procid });
      expect(found).toBe(message);
    }),
  );
});
