import { describe, expect, test } from 'vitest';
import { parseLine, refusal, said } from './reading.js';

const LINE = '2024-01-02 03:04:05.678901 [WARN] disk: 93 % full';
const PATTERN = String.raw`^(?<time>\S+ \S+) \[(?<level>\w+)\] (?:(?<unit>\w+): )?(?<message>.*)$`;

test.each([
  ['text, by re2js', PATTERN],
  ['a RegExp', new RegExp(PATTERN)],
  ['a RegExp that goes on where it was', new RegExp(PATTERN, 'gy')],
])('named groups of %s are fields; time, level and message are found among them', async (_, pattern) => {
  const expected = {
    fields: { time: '2024-01-02 03:04:05.678901', level: 'WARN', unit: 'disk', message: '93 % full' },
    time: '2024-01-02T03:04:05.678901Z',
    level: 'warn',
    message: '93 % full',
    assumedZone: 'UTC',
  };
  for (let times = 0; times < 2; times += 1) expect(await said({ pattern }, LINE)).toEqual(expected);
});

test.each([
  ['text', PATTERN],
  ['a RegExp', new RegExp(PATTERN)],
])('groups without a part in the match are absent: %s', async (_, pattern) => {
  expect((await parseLine({ pattern }, '2024-01-02 03:04:05 [INFO] up')).fields).not.toHaveProperty('unit');
});

test('the zone and the names of groups are as configured', async () => {
  const config = { pattern: '(?<when>.*?) - (?<what>.*)', time: 'when', message: 'what', zone: 'America/New_York' };
  expect(await said(config, '2024-07-01T12:00:00 - noon')).toMatchObject({
    time: '2024-07-01T12:00:00-04:00',
    assumedZone: 'America/New_York',
    message: 'noon',
  });
});

test('a group called __proto__ is a field', async () => {
  const { fields } = await parseLine({ pattern: '(?<__proto__>.+)' }, 'x');
  expect(Object.entries(fields)).toEqual([['__proto__', 'x']]);
});

test('LG13: a line that does not match is told of', async () => {
  expect(await said({ pattern: PATTERN }, 'something else')).toEqual({
    fields: {},
    parseError: { code: 'LINE_SYNTAX', message: expect.any(String) },
  });
});

describe('refused when the source is made', () => {
  test.each([
    ['no regular expression', '(?<a>'],
    ['look-around, which takes more than linear time', '(?<a>x)(?=y)'],
    ['a back-reference', String.raw`(?<a>x)\1`],
    ['a repetition that would take all memory', '(?<a>(?:x{1000}){1000})'],
    ['no named group', '^x$'],
    ['no named group in a RegExp', /^x$/],
  ])('%s', async (_, pattern) => {
    const { problems } = await refusal({ pattern });
    expect(problems).toEqual([
      {
        severity: 'error',
        code: 'INVALID_PATTERN',
        message: expect.stringContaining('format.pattern'),
        fix: expect.any(String),
      },
    ]);
  });
});

test('a pattern that takes for ever in a backtracking engine is answered all the same', async () => {
  const line = `${'a'.repeat(50_000)}!`;
  // A backtracking engine tries 2^50000 ways.
  expect((await parseLine({ pattern: '^(?<x>(?:a+)+)$' }, line)).parseError?.code).toBe('LINE_SYNTAX');
});
