import { describe, expect, it } from 'vitest';
import { ConfigError, ConnectionError, FatalError, RateLimitedError, SkippableError } from '../../src/core/errors.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { retry } from '../../src/toolkit/retry.js';

const policy = { retries: 3, minDelayMs: 1_000, maxDelayMs: 60_000, factor: 2 };

/** Fails so many times, then succeeds; time passes whenever somebody sleeps. */
async function attempt(errors: readonly unknown[], options: { retryUnknown?: boolean; signal?: AbortSignal } = {}) {
  const clock = new FakeClock();
  let calls = 0;
  const run = retry(
    async () => {
      const error = errors[calls];
      calls += 1;
      if (error !== undefined) throw error;
      return 'done';
    },
    { policy, clock, ...options },
  );
  const outcome = run.then(
    (value) => ({ value, error: undefined }),
    (error: unknown) => ({ value: undefined, error }),
  );
  for (let turn = 0; turn < 10; turn += 1) await clock.advance(3_600_000);
  return { ...(await outcome), calls, sleeps: clock.sleeps };
}

describe('retry', () => {
  it('tries a RetryableError again, with growing delays', async () => {
    const { value, calls, sleeps } = await attempt([new ConnectionError('1'), new ConnectionError('2')]);
    expect(value).toBe('done');
    expect(calls).toBe(3);
    expect(sleeps[0]).toBeGreaterThanOrEqual(1_000);
    expect(sleeps[0]).toBeLessThanOrEqual(2_000);
    expect(sleeps[1]).toBeGreaterThanOrEqual(2_000);
  });

  it('waits at least as long as upstream asked for, beyond the longest delay of the policy', async () => {
    const { sleeps } = await attempt([new RateLimitedError('slow down', { retryAfterMs: 600_000 })]);
    expect(sleeps).toEqual([600_000]);
  });

  it.each([
    ['FatalError', new FatalError('no')],
    ['ConfigError', new ConfigError([{ severity: 'error', code: 'X', message: 'no' }])],
    ['SkippableError', new SkippableError('no')],
    ['TypeError, a programming mistake', new TypeError('x is not a function')],
  ])('does not try a %s again', async (_name, error) => {
    const result = await attempt([error]);
    expect(result.error).toBe(error);
    expect(result.calls).toBe(1);
  });

  it('tries an unknown error again, unless told otherwise', async () => {
    expect((await attempt([new Error('socket hang up')])).calls).toBe(2);
    expect((await attempt([new Error('socket hang up')], { retryUnknown: false })).calls).toBe(1);
  });

  it('rejects with the last error when the retries are used up', async () => {
    const errors = [1, 2, 3, 4].map((number) => new ConnectionError(`try ${number}`));
    const { error, calls } = await attempt(errors);
    expect(error).toBe(errors[3]);
    expect(calls).toBe(4);
  });

  it('makes an error of what is none', async () => {
    const { error } = await attempt(['a', 'b', 'c', 'text']);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toBe('text');
  });

  it('does not begin a wait that is longer than allowed', async () => {
    const clock = new FakeClock();
    let calls = 0;
    const asked = new RateLimitedError('come back tomorrow', { retryAfterMs: 86_400_000 });
    const run = retry(
      async () => {
        calls += 1;
        throw asked;
      },
      { policy, clock, longestWaitMs: 86_399_999 },
    );
    await expect(run).rejects.toBe(asked);
    expect(calls).toBe(1);
    expect(clock.sleeping).toBe(0);
  });

  it('X6: a 60-day wait does not call upstream again, and an abort during it settles at once', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    let calls = 0;
    const run = retry(
      async () => {
        calls += 1;
        throw new RateLimitedError('come back in two months', { retryAfterMs: 60 * 86_400_000 });
      },
      { policy, clock, signal: controller.signal },
    );
    const outcome = run.catch((error: unknown) => error);
    await clock.advance(1_000);
    expect(calls).toBe(1);
    controller.abort(new Error('stopped'));
    expect(await outcome).toBe(controller.signal.reason);
    expect(clock.sleeping).toBe(0);
  });
});
