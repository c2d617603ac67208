import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSyslogFormat } from '../../../../src/sources/logs/format/syslog.js';

const NOW = Date.parse('2026-11-25T12:00:00Z');
const format = createSyslogFormat();
const HEAD = '<165>1 2003-10-11T22:14:15.003Z host app 7 ID';

describe('a message of RFC 5424', () => {
  it('gives everything it says', () => {
    const data = '[exampleSDID@32473 iut="3" eventSource="Application"][examplePriority@32473 class="high"]';
    expect(format.parse(`${HEAD} ${data} \uFEFFAn application event`, NOW)).toEqual({
      fields: {
        facility: 20,
        severity: 5,
        version: 1,
        host: 'host',
        app: 'app',
        procid: '7',
        msgid: 'ID',
        structuredData: {
          'exampleSDID@32473': { iut: '3', eventSource: 'Application' },
          'examplePriority@32473': { class: 'high' },
        },
      },
      message: 'An application event',
      level: 'notice',
      time: '2003-10-11T22:14:15.003Z',
    });
  });

  it('leaves out what is nil', () => {
    expect(format.parse('<0>1 - - - - - -', NOW)).toEqual({
      fields: { facility: 0, severity: 0, version: 1 },
      level: 'emergency',
      message: '',
    });
  });

  it('is told from RFC 3164 line by line, with and without <PRI>', () => {
    expect(format.parse('1 2003-10-11T22:14:15Z host app - - - text', NOW).fields).toEqual({
      version: 1,
      host: 'host',
      app: 'app',
    });
    expect(format.parse('<13>Oct 11 22:14:15 host app: text', NOW).fields).not.toHaveProperty('version');
    expect(format.parse('<13>1 file was copied', NOW)).toMatchObject({ message: '1 file was copied' });
  });

  it.each([
    '2003-08-24T05:14:15.000003-07:00',
    '2003-08-24T05:14:15.100000Z',
    '2003-08-24T05:14:15Z',
    '2024-02-29T00:00:00.5+14:00',
  ])('keeps the time %s to the letter', (time) => {
    expect(format.parse(`<13>1 ${time} - - - - - text`, NOW)).toMatchObject({ time, message: 'text' });
  });

  it.each([
    '2003-02-30T00:00:00Z',
    '2003-10-11T24:00:00Z',
    '2003-10-11T22:14:60Z',
    '2003-10-11T22:14:15',
    '2003-10-11T22:14:15+25:00',
  ])('with the time %s is an error', (time) => {
    expect(format.parse(`<13>1 ${time} - - - - - text`, NOW)).toMatchObject({
      fields: {},
      parseError: { code: 'SYSLOG_TIME' },
    });
  });

  it('resolves the three escapes, and takes any other backslash for itself', () => {
    const { fields } = format.parse(String.raw`${HEAD} [a q="\"" b="\\" c="\]" d="\n\x" e="\\\"\]"] text`, NOW);
    expect(fields['structuredData']).toEqual({ a: { q: '"', b: '\\', c: ']', d: '\\n\\x', e: '\\"]' } });
  });

  it('lists a parameter that comes several times', () => {
    const { fields } = format.parse(`${HEAD} [origin ip="1.2.3.4" ip="5.6.7.8" software="x"][origin ip="9"]`, NOW);
    expect(fields['structuredData']).toEqual({ origin: { ip: ['1.2.3.4', '5.6.7.8', '9'], software: 'x' } });
  });

  it('may have names that mean something to JavaScript', () => {
    const { fields } = format.parse(
      `${HEAD} [__proto__ toString="a" __proto__="b"][constructor prototype="c"] text`,
      NOW,
    );
    expect(JSON.stringify(fields['structuredData'])).toBe(
      '{"__proto__":{"toString":"a","__proto__":"b"},"constructor":{"prototype":"c"}}',
    );
    expect({}).not.toHaveProperty('prototype');
  });

  it.each([
    '[',
    '[]',
    '[a',
    '[a b]',
    '[a b=]',
    '[a b="',
    '[a b="\\"]',
    '[a b="c"',
    '[a b="c"]x',
    '[a  b="c"]',
    '[a ="c"]',
    'a',
    '-x',
    '[a]]',
  ])('with the structured data %s is an error that does not quote it', (data) => {
    const parsed = format.parse(`${HEAD} ${data}`, NOW);
    expect(parsed).toEqual({ fields: {}, parseError: { code: 'SYSLOG_STRUCTURED_DATA', message: expect.any(String) } });
  });

  it('that ends within its header is an error', () => {
    expect(format.parse('<13>1 2003-10-11T22:14:15Z host app -', NOW)).toMatchObject({
      parseError: { code: 'SYSLOG_HEADER' },
    });
  });
});

const name = fc.stringMatching(/^[!#-<>-\\^-~]{1,32}$/);
const value = fc.string({ unit: 'grapheme' });
const field = fc.stringMatching(/^[!-~]{1,32}$/).filter((text) => text !== '-');

it('what was written comes out as it went in', () => {
  const message = fc.record({
    priority: fc.integer({ min: 0, max: 191 }),
    time: fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
    micros: fc.integer({ min: 0, max: 999_999 }),
    fields: fc.tuple(field, field, field, field),
    data: fc.uniqueArray(fc.tuple(name, fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key })), {
      selector: ([id]) => id,
    }),
    text: fc.string({ unit: 'grapheme' }).filter((text) => !text.startsWith('\uFEFF')),
  });
  fc.assert(
    fc.property(message, ({ priority, time: date, micros, fields, data, text }) => {
      const time = `${date.toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}Z`;
      const elements = data.map(
        ([id, list]) => `[${id}${list.map(([key, one]) => ` ${key}="${escaped(one)}"`).join('')}]`,
      );
      const line = `<${priority}>1 ${time} ${fields.join(' ')} ${elements.join('') || '-'} ${text}`;
      const parsed = format.parse(line, NOW);
      expect(parsed.parseError).toBeUndefined();
      expect([parsed.time, parsed.message]).toEqual([time, text]);
      const {
        facility,
        severity,
        host,
        app,
        procid,
        msgid,
        structuredData = {},
      } = parsed.fields as Record<string, unknown>;
      expect(Number(facility) * 8 + Number(severity)).toBe(priority);
      expect([host, app, procid, msgid]).toEqual(fields);
      const found = Object.entries(structuredData as object).map(([id, list]) => [id, Object.entries(list)]);
      expect(inOrder(found)).toEqual(inOrder(data));
    }),
  );
});

it('LG13: never throws, whatever a line holds, and what it gives survives JSON', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('<13>', '1 ', '- ', '[a b="', '"]', '\\', 'Nov  5 01:02:03 ', '2026-01-01T00:00:00Z '),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const line = pieces.join('');
      const parsed = format.parse(line, NOW);
      if (parsed.parseError !== undefined) expect(parsed.fields).toEqual({});
      else expect(typeof parsed.message).toBe('string');
      expect(JSON.parse(JSON.stringify(parsed.fields))).toEqual(parsed.fields);
    }),
    { numRuns: 1_000 },
  );
});

it('takes time in proportion to the line, however hostile', () => {
  const hostile = [
    (n: number) => `<13>1 - - - - - ${'[a b="c"]'.repeat(n)}`,
    (n: number) => `<13>1 - - - - - [a${' b="c"'.repeat(n)}`,
    (n: number) => `<13>1 - - - - - [a b="${'\\"'.repeat(n)}`,
    (n: number) => `<13>Nov  5 01:02:03 ${'a:'.repeat(n)}`,
    (n: number) => `<13>Nov  5 01:02:03 h ${'a['.repeat(n)}`,
    (n: number) => `<13>${' '.repeat(n)}`,
    (n: number) => `<13>1 ${'-'.repeat(n)} `,
    (n: number) => `2026-01-01T${'0'.repeat(n)}`,
  ];
  for (const make of hostile) {
    // A megabyte of it: what is not linear would take hours, and the test would time out.
    format.parse(make(500_000), NOW);
  }
});

function escaped(text: string): string {
  return text.replace(/["\\\]]/g, '\\$&');
}

/** Names that look like numbers come first in an object. */
function inOrder(data: unknown): string[] {
  return (data as [string, [string, string][]][])
    .flatMap(([id, list]) => [id, ...list.map((pair) => JSON.stringify([id, pair]))])
    .sort();
}
