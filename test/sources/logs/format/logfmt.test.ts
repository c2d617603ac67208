import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatOf, NOW, parseLine, said } from './reading.js';

test('pairs are text; quoted values have the escapes of JSON; a key alone is true', async () => {
  const line = String.raw`at=info method=GET path="/a \"b\" \\ \u00e9\n" dyno= fwd="" cached n=9007199254740993 x=a=b`;
  expect((await parseLine('logfmt', line)).fields).toEqual({
    at: 'info',
    method: 'GET',
    path: '/a "b" \\ é\n',
    dyno: '',
    fwd: '',
    cached: true,
    n: '9007199254740993',
    x: 'a=b',
  });
});

test('finds time, level and message as logrus writes them', async () => {
  const line = 'time="2015-03-26T01:27:38-04:00" level=warning msg="The group\'s number increased" number=122';
  expect(await said('logfmt', line)).toMatchObject({
    time: '2015-03-26T01:27:38-04:00',
    level: 'warn',
    message: "The group's number increased",
  });
});

test('hostile keys are data', async () => {
  const { fields } = await parseLine('logfmt', '__proto__=x constructor=y');
  expect(Object.entries(fields)).toEqual([
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
});

describe('LG13: a line that does not fit is told of', () => {
  test.each(['', 'words without any pair', 'a="open', '=x', 'a="b"c', 'a "b"=c', 'a="b\\"'])('%j', async (line) => {
    expect(await said('logfmt', line)).toEqual({
      fields: {},
      parseError: { code: 'LINE_SYNTAX', message: expect.any(String) },
    });
  });
});

test('what was written as logfmt comes out as it went in', async () => {
  const format = await formatOf('logfmt');
  const key = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/[\s="]/.test(text));
  fc.assert(
    fc.property(fc.dictionary(key, fc.string({ unit: 'binary' }), { minKeys: 1 }), (record) => {
      const line = Object.entries(record).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
      expect(Object.entries(format.parse(line.join(' '), NOW).fields)).toEqual(Object.entries(record));
    }),
  );
});
