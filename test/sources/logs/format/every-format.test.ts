import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatOf, NOW } from './reading.js';

const FORMATS: readonly (readonly [name: string, config: unknown])[] = [
  ['auto', 'auto'],
  ['text', 'text'],
  ['json', 'json'],
  ['logfmt', 'logfmt'],
  ['syslog', 'syslog'],
  ['common', 'common'],
  ['combined', 'combined'],
  ['nginx', 'nginx'],
  ['pattern', { pattern: '^(?<time>\\S+) (?<level>\\w+) (?<__proto__>.*)$' }],
  ['pattern, a RegExp', { pattern: /^(?<time>\S+) (?<level>\w+) (?<constructor>.*)$/ }],
];

/** Of each kind one that fits, to be cut and spoilt. */
const LINES = [
  '{"level":30,"time":1531171074631,"msg":"hi","id":12345678901234567890,"a":{"b":[1,"\\u00e9"]}}',
  'time="2015-03-26T01:27:38-04:00" level=warning msg="a \\"b\\"" n=1 bare',
  '::1 - "u" [10/Oct/2000:13:55:36 -0700] "GET /\\x22\\" HTTP/1.0" 200 2326 "-" "a \\x16\\xff"',
  '<34>1 2003-10-11T22:14:15.003Z h su 1 ID47 [a@1 b="c\\]"] failed',
  '<13>Feb 29 22:14:15 host su[77]: failed',
  '2024-01-02 03:04:05,678 [ERROR] boom',
];

/** Anything at all, and lines that nearly fit. */
const anyLine = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: fc.constantFrom(...'{}[]":,\\=-<> /0123456789eE+.TZ\t\0\ud800'), maxLength: 200 }),
  fc
    .tuple(fc.constantFrom(...LINES), fc.nat(120), fc.nat(20), fc.string({ unit: 'binary', maxLength: 5 }))
    .map(([line, at, removed, put]) => line.slice(0, at) + put + line.slice(at + removed)),
);

describe.each(FORMATS)('%s', (_, config) => {
  test('LG13: whatever the line, it is read or told to be unreadable; what comes out survives JSON', async () => {
    const format = await formatOf(config);
    fc.assert(
      fc.property(anyLine, (line) => {
        const { fields, message, time, level, assumedZone, parseError } = format.parse(line, NOW);
        expect(JSON.parse(JSON.stringify(fields))).toEqual(fields);
        if (parseError !== undefined) {
          expect(fields).toEqual({});
          expect([message, time, level, assumedZone]).toEqual([undefined, undefined, undefined, undefined]);
          expect(parseError.code).toMatch(/^[A-Z_]+$/);
        }
        if (time !== undefined) {
          expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/);
          expect(Date.parse(time.replace(/:60(?=[.Z+-])/, ':59'))).not.toBeNaN();
        }
      }),
      { numRuns: 300 },
    );
  });

  test('takes time in proportion to the line, however hostile', async () => {
    const format = await formatOf(config);
    const unit = [
      '\\',
      '\\"',
      '" ',
      '"',
      '[',
      ' [',
      '[00/',
      '=',
      'a=',
      'a="',
      '"a":',
      '{',
      '{"a":[',
      '1',
      '1e9,',
      ' ',
      '\\x',
      '-',
    ];
    // Half a megabyte of each: what is not linear would take far longer than a test may.
    for (const text of unit) {
      const filling = text.repeat(500_000 / text.length);
      for (const line of [
        filling,
        `{"a":"${filling}"}`,
        `::1 - - [10/Oct/2000:13:55:36 -0700] "${filling}" 200 1 "${filling}"`,
      ])
        format.parse(line, NOW);
    }
  });
});
