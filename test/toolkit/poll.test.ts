import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/clock.js';
import { poll } from '../../src/toolkit/poll.js';

/** Time passes at once, and is written down. */
function fakeClock(): Clock & { slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    now: () => slept.reduce((sum, ms) => sum + ms, 0),
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      slept.push(ms);
    },
  };
}

function rounds(...items: string[][]): () => AsyncIterable<string> {
  return async function* () {
    yield* items.shift() ?? [];
  };
}

async function take(iterable: AsyncIterable<string>, count: number): Promise<string[]> {
  const taken: string[] = [];
  for await (const item of iterable) if (taken.push(item) === count) break;
  return taken;
}

describe('poll', () => {
  const { signal } = new AbortController();

  it('ends after one round unless it follows', async () => {
    const clock = fakeClock();
    const items = poll(rounds(['a', 'b'], ['c']), { clock, signal, follow: false, intervalMs: 10 });
    expect(await take(items, 9)).toEqual(['a', 'b']);
    expect(clock.slept).toEqual([]);
  });

  it('pauses longer and longer while nothing comes, up to the limit, and starts over when something does', async () => {
    const clock = fakeClock();
    let caughtUp = 0;
    const options = { clock, signal, follow: true, intervalMs: 10, maxIntervalMs: 35, jitter: 0 };
    const items = poll(rounds(['a'], [], [], [], ['b'], [], ['c']), { ...options, onCaughtUp: () => (caughtUp += 1) });
    expect(await take(items, 3)).toEqual(['a', 'b', 'c']);
    expect(clock.slept).toEqual([10, 20, 35, 35, 10, 20]);
    expect(caughtUp).toBe(6);
  });

  it('shortens pauses by chance, never lengthens them', async () => {
    const clock = fakeClock();
    const options = { clock, signal, follow: true, intervalMs: 100, jitter: 0.5 };
    const chances = [0, 0.5, 1];
    await take(poll(rounds(['a'], [], [], ['b']), { ...options, random: () => chances.shift() ?? 0 }), 2);
    expect(clock.slept).toEqual([100, 75, 50]);
  });

  it('ends with the reason of the abort, and with the error of a round', async () => {
    const controller = new AbortController();
    const options = { clock: fakeClock(), follow: true, intervalMs: 10 };
    const items = poll(rounds(['a']), { ...options, signal: controller.signal });
    await items.next();
    controller.abort(new Error('enough'));
    await expect(items.next()).rejects.toThrow('enough');
    const failing = (): AsyncIterable<string> => ({
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('round failed')) }),
    });
    await expect(poll(failing, { ...options, signal }).next()).rejects.toThrow('round failed');
  });
});
