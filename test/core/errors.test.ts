import {
  AuthenticationError,
  ConfigError,
  ConnectionError,
  CursorConflictError,
  CursorError,
  DecodeError,
  FatalError,
  GapError,
  HeadwaterError,
  MissingPeerError,
  NotFoundError,
  PermissionError,
  RateLimitedError,
  RetryableError,
  SinkError,
  SkippableError,
  UnknownSourceError,
} from 'headwater';
import { describe, expect, it } from 'vitest';
import { ReadSource } from '../support/test-sources.js';

const gap = new ReadSource(async function* () {}).hole('lost') as ConstructorParameters<typeof GapError>[0];
const problem = { severity: 'error', code: 'X', message: 'wrong', fix: 'mend it' } as const;
const conflict = { expected: 1, found: 2 };

const kinds: [HeadwaterError, string, string, (typeof HeadwaterError)[]][] = [
  [new HeadwaterError('m'), 'HeadwaterError', 'HEADWATER', []],
  [new ConfigError([problem]), 'ConfigError', 'CONFIG', []],
  [new MissingPeerError(['a', 'b']), 'MissingPeerError', 'MISSING_PEER', [ConfigError as never]],
  [new UnknownSourceError([problem]), 'UnknownSourceError', 'UNKNOWN_SOURCE', [ConfigError as never]],
  [new RetryableError('m'), 'RetryableError', 'RETRYABLE', []],
  [new RateLimitedError('m'), 'RateLimitedError', 'RATE_LIMITED', [RetryableError]],
  [new ConnectionError('m'), 'ConnectionError', 'CONNECTION', [RetryableError]],
  [new SkippableError('m'), 'SkippableError', 'SKIPPABLE', []],
  [new DecodeError('m', { at: { line: 3 } }), 'DecodeError', 'DECODE', [SkippableError]],
  [new FatalError('m'), 'FatalError', 'FATAL', []],
  [new AuthenticationError('m'), 'AuthenticationError', 'AUTHENTICATION', [FatalError]],
  [new PermissionError('m'), 'PermissionError', 'PERMISSION', [FatalError]],
  [new NotFoundError('m'), 'NotFoundError', 'NOT_FOUND', [FatalError]],
  [new CursorError('m'), 'CursorError', 'CURSOR', [FatalError]],
  [new CursorConflictError('m', conflict), 'CursorConflictError', 'CURSOR_CONFLICT', [CursorError, FatalError]],
  [new GapError(gap), 'GapError', 'GAP', [FatalError]],
  [new SinkError('m'), 'SinkError', 'SINK', [FatalError]],
];

it.each(kinds)('%s has a name, a code and its classes', (error, name, code, classes) => {
  expect([error.name, error.code]).toEqual([name, code]);
  expect(String(error)).toMatch(new RegExp(`^${name}: `));
  for (const parent of [HeadwaterError, ...classes]) {
    expect(error).toBeInstanceOf(parent);
    expect(parent.isInstance(error)).toBe(true);
  }
  for (const other of [RetryableError, FatalError, SkippableError, ConfigError as never as typeof HeadwaterError]) {
    if (!(error instanceof other)) expect(other.isInstance(error)).toBe(false);
  }
});

it('carries what its class promises', () => {
  expect(new RateLimitedError('m', { retryAfterMs: 5 }).retryAfterMs).toBe(5);
  expect(new DecodeError('m', { at: { file: 'a', line: 1, offset: 2 } }).at).toEqual({ file: 'a', line: 1, offset: 2 });
  expect(new CursorConflictError('m', conflict)).toMatchObject(conflict);
  expect(new GapError(gap).gap).toBe(gap);
  expect(new MissingPeerError(['a', 'b'])).toMatchObject({
    packages: ['a', 'b'],
    message: expect.stringContaining('npm install a b'),
  });
  expect(new FatalError('m', { code: 'MINE', sourceId: 'github' })).toMatchObject({ code: 'MINE', sourceId: 'github' });
});

it('a ConfigError tells all its problems, and what to do', () => {
  const error = new ConfigError([problem, { ...problem, message: 'bad', fix: undefined }], { sourceId: 'mine' });
  expect(error.message).toBe('source "mine": wrong (mend it); bad');
});

describe('isInstance', () => {
  it('holds across two copies of the module, where instanceof does not', async () => {
    const copy = '../../src/core/errors.ts?copy';
    const other: typeof import('../../src/core/errors.js') = await import(/* @vite-ignore */ copy);
    expect(other.RateLimitedError).not.toBe(RateLimitedError);
    const foreign = new other.RateLimitedError('m');
    expect(foreign).not.toBeInstanceOf(RateLimitedError);
    expect(RateLimitedError.isInstance(foreign)).toBe(true);
    expect(RetryableError.isInstance(foreign)).toBe(true);
    expect(HeadwaterError.isInstance(foreign)).toBe(true);
    expect(FatalError.isInstance(foreign)).toBe(false);
    expect(other.HeadwaterError.isInstance(new SinkError('m'))).toBe(true);
  });

  it.each([undefined, null, 'text', 7, {}, new Error('m'), new TypeError('m'), []])('is false for %s', (value) => {
    expect(HeadwaterError.isInstance(value)).toBe(false);
  });

  it('of a class of the host is true for its own alone', () => {
    class QuotaError extends FatalError {}
    expect(QuotaError.isInstance(new QuotaError('m'))).toBe(true);
    expect(FatalError.isInstance(new QuotaError('m'))).toBe(true);
    expect(QuotaError.isInstance(new FatalError('m'))).toBe(false);
  });
});

describe('cause', () => {
  it('is a copy with name, message, code, stack and causes, and nothing else', () => {
    const inner = Object.assign(new TypeError('inner'), { headers: { authorization: 'Bearer planted' } });
    const vendor = Object.assign(new Error('request failed', { cause: inner }), {
      code: 'ECONNRESET',
      request: { headers: { 'x-api-key': 'planted' }, body: 'planted' },
      response: { data: 'planted' },
      config: { auth: 'planted' },
    });
    vendor.name = 'HttpError';
    const { cause } = new ConnectionError('could not be reached', { cause: vendor });
    expect(cause).not.toBe(vendor);
    expect(cause).toMatchObject({ name: 'HttpError', message: 'request failed', code: 'ECONNRESET' });
    expect((cause as Error).stack).toBe(vendor.stack);
    expect((cause as Error).cause).toMatchObject({ name: 'TypeError', message: 'inner' });
    expect(Object.keys(cause as object).sort()).toEqual(
      ['cause', 'code', 'name', 'stack'].filter((key) => Object.keys(cause as object).includes(key)),
    );
    expect(JSON.stringify(everything(cause))).not.toContain('planted');
  });

  it('of our own class is kept as it is', () => {
    const own = new RateLimitedError('slow down', { retryAfterMs: 5 });
    expect(new SinkError('m', { cause: own }).cause).toBe(own);
  });

  it('that goes round in circles ends', () => {
    const first = new Error('first');
    const second = new Error('second', { cause: first });
    first.cause = second;
    let depth = 0;
    for (let at = new FatalError('m', { cause: first }).cause; at instanceof Error; at = at.cause) depth += 1;
    expect(depth).toBeLessThan(20);
  });

  it('that is no error becomes text', () => {
    expect(new FatalError('m', { cause: 'token=planted-value' }).cause).toBe('token=[secret]');
    expect(new FatalError('m').cause).toBeUndefined();
  });
});

/** An error with its own properties, hidden ones and causes as plain values. */
function everything(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const names = Object.getOwnPropertyNames(value);
  return Object.fromEntries(names.map((name) => [name, everything(Reflect.get(value, name))]));
}
