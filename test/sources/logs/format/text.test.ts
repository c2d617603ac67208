import { describe, expect, test } from 'vitest';
import { said } from './reading.js';

test('the line is the message, as it is', async () => {
  expect(await said('text', '  two  spaces\t')).toEqual({ fields: {}, message: '  two  spaces\t' });
});

test.each([
  ['2024-01-02 03:04:05,678 ERROR x', { time: '2024-01-02T03:04:05.678Z', level: 'error', assumedZone: 'UTC' }],
  ['[2024-01-02T03:04:05Z] [warn] x', { time: '2024-01-02T03:04:05Z', level: 'warn' }],
  ['2024/01/02 03:04:05 [notice] 7#7: x', { time: '2024-01-02T03:04:05Z', level: 'notice', assumedZone: 'UTC' }],
  ['2024-01-02 03:04:05.123 UTC [42] LOG:  x', { time: '2024-01-02T03:04:05.123Z' }],
  ['2024-01-02T03:04:05.123456+02:00 host app: x', { time: '2024-01-02T03:04:05.123456+02:00' }],
  ['2024-01-02 03:04:05 Errors were found', { time: '2024-01-02T03:04:05Z', assumedZone: 'UTC' }],
  ['2024-99-02 03:04:05 ERROR x', {}],
  ['[error] no time', {}],
  ['12 monkeys', {}],
])('a time at its beginning, and a level after it, are read: %s', async (line, read) => {
  expect(await said('text', line)).toEqual({ fields: {}, message: line, ...read });
});

test('the zone is as configured', async () => {
  expect(await said({ format: 'text', zone: '+02:00' }, '2024-01-02 03:04:05 x')).toMatchObject({
    time: '2024-01-02T03:04:05+02:00',
    assumedZone: '+02:00',
  });
});

describe('auto', () => {
  test('takes JSON for JSON, syslog for syslog, and all else for text', async () => {
    expect(await said('auto', '{"msg":"hi","level":"info"}')).toMatchObject({ message: 'hi', level: 'info' });
    expect(await said('auto', '<34>1 2003-10-11T22:14:15.003Z host su - ID47 - failed')).toMatchObject({
      message: 'failed',
      level: 'critical',
    });
    expect(await said('auto', 'Listening')).toEqual({ fields: {}, message: 'Listening' });
  });

  test.each(['{ not JSON', '<999>x', '<1 x', '<3>1 2003-99-99T22:14:15Z a b c d e', ''])(
    'what only looks like it is text: %j',
    async (line) => {
      expect(await said('auto', line)).toEqual({ fields: {}, message: line });
    },
  );
});
