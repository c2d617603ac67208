import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExposition } from '../../../../src/sources/metrics/prometheus/exposition.js';

const read = (text: string, isOpenMetrics = false) =>
  parseExposition(text, isOpenMetrics).samples.map(({ metric, labels, value, time }) => [metric, labels, value, time]);

// The example of https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-example
const EXAMPLE = `# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9

# Minimalistic line:
metric_without_timestamp_and_labels 12.47

# A weird metric from before the epoch:
something_weird{problem="division by zero"} +Inf -3982045

# A histogram, which has a pretty complex representation in the text format:
# HELP http_request_duration_seconds A histogram of the request duration.
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.05"} 24054
http_request_duration_seconds_bucket{le="+Inf"} 144320
http_request_duration_seconds_sum 53423
http_request_duration_seconds_count 144320
`;

describe('the text format', () => {
  it('is read as its own example says', () => {
    const { samples, mistakes } = parseExposition(EXAMPLE, false);
    expect(mistakes).toEqual([]);
    expect(read(EXAMPLE)).toEqual([
      ['http_requests_total', { method: 'post', code: '200' }, 1027, 1395066363000],
      ['http_requests_total', { method: 'post', code: '400' }, 3, 1395066363000],
      [
        'msdos_file_access_time_seconds',
        { path: 'C:\\DIR\\FILE.TXT', error: 'Cannot find file:\n"FILE.TXT"' },
        1.458255915e9,
        undefined,
      ],
      ['metric_without_timestamp_and_labels', {}, 12.47, undefined],
      ['something_weird', { problem: 'division by zero' }, Number.POSITIVE_INFINITY, -3982045],
      ['http_request_duration_seconds_bucket', { le: '0.05' }, 24054, undefined],
      ['http_request_duration_seconds_bucket', { le: '+Inf' }, 144320, undefined],
      ['http_request_duration_seconds_sum', {}, 53423, undefined],
      ['http_request_duration_seconds_count', {}, 144320, undefined],
    ]);
    expect(samples[5]?.family).toEqual({
      name: 'http_request_duration_seconds',
      kind: 'histogram',
      help: 'A histogram of the request duration.',
    });
  });

  it('a line that cannot be read is told, and its neighbours are read', () => {
    const text = 'one 1\nbroken{a="1" 2\nno_value\nbad{a=1} 3\nvalue x\ntime 1 x\n{} 5\ntwo 2';
    const { samples, mistakes } = parseExposition(text, false);
    expect(samples.map(({ metric }) => metric)).toEqual(['one', 'two']);
    expect(mistakes.map((mistake) => mistake.split(':')[0])).toEqual([
      'line 2',
      'line 3',
      'line 4',
      'line 5',
      'line 6',
      'line 7',
    ]);
  });

  it('spaces, tabs, commas behind the last label, CR LF and names in quotes are taken as they come', () => {
    expect(read('a { x = "1" , y="2", }\t7\r\n  b 2 \r\n{"c.d", x="é}"} 3\n')).toEqual([
      ['a', { x: '1', y: '2' }, 7, undefined],
      ['b', {}, 2, undefined],
      ['c.d', { x: 'é}' }, 3, undefined],
    ]);
  });

  it('MX3: NaN and the infinities are numbers', () => {
    expect(read('a NaN\nb +Inf\nc -Inf\nd Inf').map((sample) => sample[2])).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
  });
});

// From https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
const OPEN_METRICS = `# TYPE foo histogram
# UNIT foo_seconds seconds
foo_bucket{le="0.1"} 8 # {} 0.054
foo_bucket{le="1"} 11 # {trace_id="KOO5S4vxi0o"} 0.67
foo_bucket{le="10"} 17 # {trace_id="oHg5SJYRHA0"} 9.8 1520879607.789
foo_bucket{le="+Inf"} 17
foo_count 17
foo_sum 324789.3
foo_created 1520430000.123
# TYPE acme_http_router_request_seconds summary
# UNIT acme_http_router_request_seconds seconds
acme_http_router_request_seconds_sum{path="/api/v1",method="GET"} 9036.32 1520879607.789
# EOF
`;

describe('OpenMetrics', () => {
  it('is read with exemplars, units, and times in seconds', () => {
    const { samples, mistakes, isWhole } = parseExposition(OPEN_METRICS, true);
    expect(mistakes).toEqual([]);
    expect(isWhole).toBe(true);
    expect(samples.slice(0, 3).map(({ exemplar }) => exemplar)).toEqual([
      { labels: {}, value: 0.054, time: undefined },
      { labels: { trace_id: 'KOO5S4vxi0o' }, value: 0.67, time: undefined },
      { labels: { trace_id: 'oHg5SJYRHA0' }, value: 9.8, time: 1520879607789 },
    ]);
    expect(samples.at(-1)).toMatchObject({ time: 1520879607789, family: { kind: 'summary', unit: 'seconds' } });
    expect(samples[4]?.family?.kind).toBe('histogram');
  });

  it('without its end it is cut off', () => {
    expect(parseExposition('foo 1\n', true).isWhole).toBe(false);
  });
});

it('what is written is read back: any labels, any value', () => {
  const escaped = (text: string): string => text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
  const name = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/);
  const label = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]*$/).filter((text) => text !== '__proto__');
  const sample = fc.tuple(
    name,
    fc.dictionary(label, fc.string({ unit: 'binary' })),
    fc.double({ noNaN: true }).map((value) => value + 0),
  );
  fc.assert(
    fc.property(fc.array(sample), (samples) => {
      const lines = samples.map(([metric, labels, value]) => {
        const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
        return `${metric}{${pairs.join(',')}} ${String(value).replace('Infinity', 'Inf')}`;
      });
      expect(read(`${lines.join('\n')}\n`)).toEqual(
        samples.map(([metric, labels, value]) => [metric, labels, value, undefined]),
      );
    }),
  );
});

it('nothing makes it throw, or lose a line', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '{', '}', '"', '\\', ',', '=', '#', ' ', '1', '\n', '\r') }),
      (text) => {
        const { samples, mistakes } = parseExposition(text, false);
        const lines = text.split('\n').filter((line) => !/^[ \t]*(#[\s\S]*|\r?)$/.test(line));
        expect(samples.length + mistakes.length).toBe(lines.length);
      },
    ),
  );
});
