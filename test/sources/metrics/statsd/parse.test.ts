import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Aggregates, percentile } from '../../../../src/sources/metrics/statsd/aggregates.js';
import { parseLine, type StatsdMetric } from '../../../../src/sources/metrics/statsd/parse.js';

const metric = (text: string): Partial<StatsdMetric> => {
  const { line, ...rest } = parseLine(text) as StatsdMetric;
  expect(line).toBe('metric');
  return rest;
};
/** What lines come to in one interval. */
function sums(...lines: string[]): Record<string, number> {
  const aggregates = new Aggregates([90], 100);
  for (const line of lines) aggregates.add(parseLine(line) as StatsdMetric);
  return Object.fromEntries(aggregates.flush().map(({ metric: name, value }) => [name, value]));
}

describe('ST1', () => {
  it('counters are scaled by their sample rate', () => {
    expect(sums('a:1|c|@0.1')).toEqual({ a: 10 });
    expect(sums('a:1|c', 'a:2|c', 'a:-1|c')).toEqual({ a: 2 });
  });

  it('a gauge with a sign is changed, one without is set, and keeps its value over intervals', () => {
    expect(sums('g:333|g', 'g:-10|g', 'g:+4|g')).toEqual({ g: 327 });
    expect(sums('g:0|g', 'g:-10|g')).toEqual({ g: -10 });
    const aggregates = new Aggregates([], 10);
    aggregates.add(parseLine('g:5|g') as StatsdMetric);
    aggregates.flush();
    aggregates.add(parseLine('g:+1|g') as StatsdMetric);
    expect(aggregates.flush()).toMatchObject([{ value: 6 }]);
  });

  it('timers are summed up with percentiles, sets counted', () => {
    expect(sums(...Array.from({ length: 10 }, (_, at) => `t:${at + 1}|ms`))).toEqual({
      't.count': 10,
      't.sum': 55,
      't.mean': 5.5,
      't.lower': 1,
      't.upper': 10,
      't.p90': 9,
    });
    expect(sums('t:5|ms|@0.5')).toMatchObject({ 't.count': 2, 't.sum': 5 });
    expect(sums('u:765|s', 'u:765|s', 'u:a:b|s')).toEqual({ u: 2 });
  });

  it('several values may stand in one line, but for sets', () => {
    expect(metric('a:1:2:3|h')).toMatchObject({ values: [1, 2, 3], kind: 'histogram' });
    expect(metric('a:1:2|s')).toMatchObject({ values: ['1:2'] });
  });

  it('a line that cannot be understood is told', () => {
    for (const text of [
      '',
      'a',
      'a:1',
      'a|c',
      ':1|c',
      'a:x|c',
      'a:1|q',
      'a:1|c|@0',
      'a:1|c|@2',
      'a:|c',
      'a:1:x|ms',
      '_e{9,9}:a|b',
      '_sc|a|7',
      '_sc||0',
    ]) {
      expect(parseLine(text)).toMatchObject({ line: 'mistake' });
    }
  });
});

// The lines of https://docs.datadoghq.com/developers/dogstatsd/datagram_shell/ and of the pages of StatsD.
describe('the examples of the documentation', () => {
  it.each([
    ['gorets:1|c', { name: 'gorets', kind: 'counter', values: [1] }],
    ['gorets:1|c|@0.1', { rate: 0.1 }],
    ['glork:320|ms|@0.1', { kind: 'timer', values: [320], rate: 0.1 }],
    ['gaugor:333|g', { kind: 'gauge', isDelta: false }],
    ['gaugor:-10|g', { isDelta: true, values: [-10] }],
    ['gaugor:+4|g', { isDelta: true, values: [4] }],
    ['uniques:765|s', { kind: 'set', values: ['765'] }],
    ['page.views:1|c', { name: 'page.views' }],
    ['fuel.level:0.5|g', { values: [0.5] }],
    ['song.length:240|h|@0.5', { kind: 'histogram', rate: 0.5 }],
    ['users.uniques:1234|s', { kind: 'set' }],
    ['users.online:1|c|#country:china', { tags: { country: 'china' } }],
    ['users.online:1|c|@0.5|#country:china', { rate: 0.5, tags: { country: 'china' } }],
    ['page.views:1:2:32|d', { kind: 'distribution', values: [1, 2, 32] }],
    ['page.views:1|g|#env:dev|c:ci-83c4da1df4a5', { tags: { env: 'dev' } }],
    ['page.views:15|c|#env:dev|T1656581400', { time: 1_656_581_400_000 }],
    ['a:1|c|#url:http://h:8/p,flag', { tags: { url: 'http://h:8/p', flag: '' } }],
  ])('%s', (text, expected) => expect(metric(text)).toMatchObject(expected));

  it('events and service checks', () => {
    expect(
      parseLine('_e{21,36}:An exception occurred|Cannot parse CSV file from 10.0.0.17|t:warning|#err_type:bad_file'),
    ).toEqual({
      line: 'event',
      title: 'An exception occurred',
      text: 'Cannot parse CSV file from 10.0.0.17',
      fields: { alertType: 'warning' },
      tags: { err_type: 'bad_file' },
      time: undefined,
    });
    expect(
      parseLine(
        '_e{21,42}:An exception occurred|Cannot parse JSON request:\\\\n{"foo: "bar"}|p:low|#err_type:bad_request',
      ),
    ).toMatchObject({
      line: 'event',
      fields: { priority: 'low' },
    });
    // Lengths are bytes.
    expect(parseLine('_e{2,5}:é|a|bü|d:7')).toMatchObject({ title: 'é', text: 'a|bü', line: 'event', time: 7_000 });
    expect(parseLine('_sc|Redis connection|2|#env:dev|m:Redis connection timed out after 10s')).toEqual({
      line: 'check',
      name: 'Redis connection',
      status: 'critical',
      message: 'Redis connection timed out after 10s',
      fields: {},
      tags: { env: 'dev' },
      time: undefined,
    });
  });
});

it('what is written is read back', () => {
  const name = fc.stringMatching(/^[a-zA-Z][\w.-]{0,20}$/);
  const tag = fc.tuple(fc.stringMatching(/^[a-z]\w{0,8}$/), fc.stringMatching(/^[^|,\n\r#]{0,12}$/));
  const line = fc.record({
    name,
    value: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
    rate: fc.constantFrom(1, 0.5, 0.1),
    tags: fc.uniqueArray(tag, { selector: ([key]) => key }),
  });
  fc.assert(
    fc.property(line, ({ name: written, value, rate, tags }) => {
      const text = `${written}:${value}|ms|@${rate}${tags.length > 0 ? `|#${tags.map((pair) => pair.join(':')).join(',')}` : ''}`;
      expect(metric(text)).toMatchObject({ name: written, values: [value], rate, tags: Object.fromEntries(tags) });
    }),
  );
});

it('a value is a decimal, and nothing else that has a number', () => {
  const values = ['', ' 1', '1 ', '0x1f', '0b1', '0o7', 'Infinity', '+Infinity', 'NaN', '.', '+', '1e', '1_0', '1,5'];
  for (const value of values) expect(parseLine(`a:${value}|c`), value).toMatchObject({ line: 'mistake' });
  for (const value of ['0', '007', '1.', '.5', '+1', '1e5', '1E-3'])
    expect(metric(`a:${value}|c`).values, value).toEqual([Number(value)]);
});

it('nothing makes it throw', () => {
  const piece = fc.constantFrom(
    '_e{',
    '}',
    ':',
    '|',
    '#',
    '@',
    'c',
    'ms',
    '1',
    '-',
    '_sc|',
    ',',
    'm:',
    'é',
    'T',
    '0.1',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const { line } = parseLine(pieces.join(''));
      expect(['metric', 'event', 'check', 'mistake']).toContain(line);
    }),
  );
});

it('a percentile is the smallest value that so many do not exceed', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), fc.integer({ min: 1, max: 99 }), (values, percent) => {
      const ascending = [...values].sort((one, other) => one - other);
      const found = percentile(ascending, percent);
      const within = ascending.filter((value) => value <= found).length / ascending.length;
      const below = ascending.filter((value) => value < found).length / ascending.length;
      expect(within).toBeGreaterThanOrEqual(percent / 100);
      expect(below).toBeLessThan(percent / 100);
    }),
  );
});
