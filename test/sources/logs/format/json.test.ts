import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatOf, NOW, parseLine, said } from './reading.js';

/** Lines as the loggers' own pages print them, and what they say. */
const LOGGERS = [
  [
    'pino',
    '{"level":40,"time":1531171074631,"msg":"hi","pid":657,"hostname":"h"}',
    '2018-07-09T21:17:54.631Z',
    'warn',
    'hi',
  ],
  [
    'bunyan',
    '{"name":"a","level":30,"msg":"hi","time":"2012-02-08T22:56:52.856Z","v":0}',
    '2012-02-08T22:56:52.856Z',
    'info',
    'hi',
  ],
  [
    'winston',
    '{"level":"verbose","message":"hi","timestamp":"2024-01-02T03:04:05.006Z"}',
    '2024-01-02T03:04:05.006Z',
    'trace',
    'hi',
  ],
  [
    'zap',
    '{"level":"info","ts":1257894000.123456,"caller":"a.go:1","msg":"hi"}',
    '2009-11-10T23:00:00.123456Z',
    'info',
    'hi',
  ],
  [
    'logrus',
    '{"level":"fatal","msg":"hi","time":"2014-03-10T19:57:38-04:00"}',
    '2014-03-10T19:57:38-04:00',
    'critical',
    'hi',
  ],
  [
    'slog',
    '{"time":"2022-11-08T15:28:26.000000001-05:00","level":"INFO","msg":"hi"}',
    '2022-11-08T15:28:26.000000001-05:00',
    'info',
    'hi',
  ],
  [
    'Serilog, compact',
    '{"@t":"2016-06-07T03:44:57.8532799Z","@mt":"Hello, {User}","User":"n"}',
    '2016-06-07T03:44:57.8532799Z',
    'info',
    'Hello, {User}',
  ],
  [
    'Serilog',
    '{"Timestamp":"2016-06-07T13:44:57.8532799+10:00","Level":"Warning","MessageTemplate":"hi"}',
    '2016-06-07T13:44:57.8532799+10:00',
    'warn',
    'hi',
  ],
  [
    'ECS',
    '{"@timestamp":"2024-01-02T03:04:05.006Z","log.level":"ERROR","message":"hi","ecs.version":"1.2.0"}',
    '2024-01-02T03:04:05.006Z',
    'error',
    'hi',
  ],
  [
    'ECS, nested',
    '{"@timestamp":"2024-01-02T03:04:05.006Z","log":{"level":"debug"},"message":"hi"}',
    '2024-01-02T03:04:05.006Z',
    'debug',
    'hi',
  ],
  [
    'GELF',
    '{"version":"1.1","host":"h","short_message":"hi","timestamp":1385053862.3072,"level":1}',
    '2013-11-21T17:11:02.3072Z',
    'alert',
    'hi',
  ],
  [
    'python-json-logger',
    '{"asctime":"2024-01-02 03:04:05,678","levelname":"CRITICAL","message":"hi"}',
    '2024-01-02T03:04:05.678Z',
    'critical',
    'hi',
  ],
  [
    'structlog',
    '{"event":"hi","level":"warning","timestamp":"2024-01-02T03:04:05.678901Z"}',
    '2024-01-02T03:04:05.678901Z',
    'warn',
    'hi',
  ],
] as const;

test.each(LOGGERS)('finds time, level and message of %s', async (_, line, time, level, message) => {
  expect(await parseLine('json', line)).toMatchObject({ time, level, message, parseError: undefined });
});

describe('what a line holds', () => {
  test('is there as it was written, time, level and message too', async () => {
    const record = { time: 1_531_171_074_631, level: 30, msg: 'hi', req: { headers: { host: ['a', null, true] } } };
    expect((await parseLine('json', JSON.stringify(record))).fields).toEqual(record);
  });

  test('X8: integers beyond 2^53 are strings with all their digits, at any depth; a text that looks like one is a text', async () => {
    const line =
      '{"id":9007199254740993,"neg":-9223372036854775808,"list":[{"n":18446744073709551615}],"safe":9007199254740991,' +
      '"text":"say \\"12345678901234567890\\"\\\\","float":0.12345678901234566,"huge":1e999,"e":-1E+400}';
    expect((await parseLine('json', line)).fields).toEqual({
      id: '9007199254740993',
      neg: '-9223372036854775808',
      list: [{ n: '18446744073709551615' }],
      safe: 9007199254740991,
      text: 'say "12345678901234567890"\\',
      float: 0.12345678901234566,
      huge: '1e999',
      e: '-1E+400',
    });
  });

  test('nanoseconds since 1970 keep all their digits', async () => {
    expect(await parseLine('json', '{"time":1700000000123456789}')).toMatchObject({
      time: '2023-11-14T22:13:20.123456789Z',
    });
  });

  test('hostile keys are data', async () => {
    const { fields } = await parseLine('json', '{"__proto__":{"polluted":true},"constructor":1,"toString":2}');
    expect(Object.keys(fields)).toEqual(['__proto__', 'constructor', 'toString']);
    expect(Object.getPrototypeOf(fields)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('a configured name leads only to what the line itself holds', async () => {
    const config = { format: 'json', message: 'constructor.name', level: 'severity.text', time: 'when' };
    const line = '{"severity":{"text":"WARN"},"when":"2024-01-01T00:00:00Z","message":"not this"}';
    expect(await said(config, line)).toMatchObject({ level: 'warn', time: '2024-01-01T00:00:00Z' });
    expect((await parseLine(config, line)).message).toBeUndefined();
  });

  test('a field of the wrong kind is passed over for the next', async () => {
    const line =
      '{"time":"soon","timestamp":"2024-01-01T00:00:00Z","level":{},"severity":"NOTICE","msg":7,"message":"hi"}';
    expect(await said('json', line)).toMatchObject({ time: '2024-01-01T00:00:00Z', level: 'notice', message: 'hi' });
  });
});

describe('LG13: a line that does not fit is told of, and does not throw', () => {
  test.each([
    ['cut short', '{"a":', 'JSON_SYNTAX'],
    ['empty', '', 'JSON_SYNTAX'],
    ['text', 'Listening on port 80', 'JSON_SYNTAX'],
    ['a list', '[1]', 'LINE_SYNTAX'],
    ['a number', '42', 'LINE_SYNTAX'],
    ['null', 'null', 'LINE_SYNTAX'],
    ['too deep', `${'{"a":'.repeat(101)}1${'}'.repeat(101)}`, 'RECORD_TOO_DEEP'],
    ['deep enough to end a stack', '['.repeat(500_000) + ']'.repeat(500_000), 'RECORD_TOO_DEEP'],
  ])('%s', async (_, line, code) => {
    expect(await said('json', line)).toEqual({ fields: {}, parseError: { code, message: expect.any(String) } });
  });

  test('and the message does not quote the line', async () => {
    const { parseError } = await parseLine('json', '{"password":"hush"');
    expect(parseError?.message).not.toContain('hush');
  });
});

test('what was written as JSON comes out as it went in, but for numbers that JavaScript cannot hold', async () => {
  const format = await formatOf('json');
  const value = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 }));
  fc.assert(
    fc.property(value, (record) => {
      const text = JSON.stringify(record);
      const { fields, parseError } = format.parse(text, NOW);
      expect(parseError).toBeUndefined();
      const exact = JSON.stringify(fields).replace(/"(-?\d[\d.]*(?:e\+\d+)?)"/g, (all, digits: string) =>
        Math.abs(Number(digits)) > Number.MAX_SAFE_INTEGER && !text.includes(all) ? digits : all,
      );
      expect(exact).toBe(JSON.stringify(JSON.parse(text)));
    }),
  );
});
