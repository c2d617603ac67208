import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { delay } from '../../src/toolkit/delay.js';

const DAY = 86_400_000;

describe('delay', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('X6: 60 days are 60 days, not the 1 ms of a timer that is too long', async () => {
    let isOver = false;
    const waiting = delay(60 * DAY).then(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(59 * DAY);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(DAY);
    await waiting;
    expect(isOver).toBe(true);
  });

  it('X6: an abort settles it at once with the reason, and leaves no timer and no listener', async () => {
    const controller = new AbortController();
    const waiting = delay(60 * DAY, { signal: controller.signal }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(30 * DAY);
    controller.abort(new Error('stopped'));
    expect(await waiting).toBe(controller.signal.reason);
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('X6: 1,000 waits add no listener', async () => {
    const { signal } = new AbortController();
    for (let turn = 0; turn < 1_000; turn += 1) {
      const waiting = delay(10, { signal });
      await vi.advanceTimersByTimeAsync(10);
      await waiting;
    }
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('rejects at once where the signal has fired already', async () => {
    const signal = AbortSignal.abort(new Error('before'));
    await expect(delay(10, { signal })).rejects.toBe(signal.reason);
  });
});
