import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { RateLimitedError } from '../../src/core/errors.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { RateLimit } from '../../src/toolkit/rate-limit.js';

const wide = { limit: 1_000, intervalMs: 1_000 };

describe('RateLimit', () => {
  it('lets no more calls begin within the interval than agreed', async () => {
    const limit = new RateLimit({ limit: 2, intervalMs: 60_000 });
    const controller = new AbortController();
    const begun: number[] = [];
    const calls = [1, 2, 3, 4].map((number) =>
      limit.run(async () => begun.push(number), { signal: controller.signal }).catch((error: unknown) => error),
    );
    await Promise.all(calls.slice(0, 2));
    expect(begun).toEqual([1, 2]);
    controller.abort(new Error('enough'));
    expect(await calls[2]).toBe(controller.signal.reason);
    expect(begun).toEqual([1, 2]);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('holds back every call while upstream asks for a pause', async () => {
    const clock = new FakeClock();
    const pauses: Date[] = [];
    const limit = new RateLimit({ ...wide, clock, onPause: (until) => pauses.push(until) });
    const refused = limit.run(async () => {
      throw new RateLimitedError('slow down', { retryAfterMs: 30_000 });
    });
    await expect(refused).rejects.toThrow('slow down');
    expect(pauses).toEqual([new Date(30_000)]);
    let isDone = false;
    const next = limit.run(async () => {
      isDone = true;
    });
    await clock.advance(29_999);
    expect(isDone).toBe(false);
    await clock.advance(1);
    await next;
    expect(isDone).toBe(true);
  });

  it('an abort ends the waiting for a pause', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit({ ...wide, clock });
    await limit
      .run(() => Promise.reject(new RateLimitedError('slow down', { retryAfterMs: 30_000 })))
      .catch(() => undefined);
    const controller = new AbortController();
    const waiting = limit.run(async () => 'late', { signal: controller.signal }).catch((error: unknown) => error);
    await clock.advance(10);
    controller.abort(new Error('stopped'));
    expect(await waiting).toBe(controller.signal.reason);
    expect(clock.sleeping).toBe(0);
  });
});
