import { getEventListeners } from 'node:events';
import { FakeClock } from 'headwater/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Budget, type BudgetLimits } from '../../../src/toolkit/http/budget.js';
import { BudgetLease } from '../../../src/toolkit/http/budget-lease.js';
import { clientOf, failureOf, json, serve, until } from './test-server.js';

interface Entering {
  readonly begun: string[];
  readonly waits: number[];
  enter(name: string, options?: { priority?: number; signal?: AbortSignal; longestWaitMs?: number }): Promise<void>;
}

function entering(budget: Budget): Entering {
  const begun: string[] = [];
  const waits: number[] = [];
  return {
    begun,
    waits,
    async enter(
      name,
      { priority = 0, signal = new AbortController().signal, longestWaitMs = Number.POSITIVE_INFINITY } = {},
    ) {
      await budget.enter({ signal, priority, longestWaitMs, onWait: (at) => waits.push(at.getTime()) });
      begun.push(name);
    },
  };
}

function budgetOf(limits: BudgetLimits, clock = new FakeClock()): { budget: Budget; clock: FakeClock } {
  const budget = new Budget(clock);
  budget.hold({}, limits);
  return { budget, clock };
}

const timersOf = ({ getActiveResourcesInfo }: NodeJS.Process): number =>
  getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a budget', () => {
  it('lets no more be under way than agreed, first come, first served', async () => {
    const { budget } = budgetOf({ concurrency: 2 });
    const { enter, begun } = entering(budget);
    for (const name of ['a', 'b', 'c', 'd']) void enter(name);
    await turn();
    expect(begun).toEqual(['a', 'b']);
    budget.leave();
    await turn();
    expect(begun).toEqual(['a', 'b', 'c']);
  });

  it('lets the higher priority go first, and keeps the order among equals', async () => {
    const { budget, clock } = budgetOf({ concurrency: 9 });
    const { enter, begun } = entering(budget);
    budget.pause(1_000);
    void enter('low 1', { priority: -1 });
    void enter('normal 1');
    void enter('high 1', { priority: 5 });
    void enter('normal 2');
    void enter('high 2', { priority: 5 });
    await clock.advance(1_000);
    expect(begun).toEqual(['high 1', 'high 2', 'normal 1', 'normal 2', 'low 1']);
  });

  it('lets no more begin within an interval than agreed, whoever goes first', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const { budget } = budgetOf({ rate: { limit: 2, intervalMs: 60_000 } });
    const { enter, begun, waits } = entering(budget);
    for (const name of ['a', 'b', 'c', 'd']) void enter(name).then(() => budget.leave());
    await vi.advanceTimersByTimeAsync(59_999);
    expect(begun).toEqual(['a', 'b']);
    expect(waits).toEqual([60_000, 60_000]);
    void enter('urgent', { priority: 9 }).then(() => budget.leave());
    await vi.advanceTimersByTimeAsync(59_999);
    expect(begun.slice(2)).toEqual(['urgent', 'c']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(begun.slice(2)).toEqual(['urgent', 'c', 'd']);
  });

  it('holds no timer for a turn that nobody wants any more, and keeps the rate all the same', async () => {
    const { budget, clock } = budgetOf({ rate: { limit: 1, intervalMs: 3_600_000 } });
    const { enter, begun } = entering(budget);
    await enter('a').then(() => budget.leave());
    const timers = timersOf(process);
    const controller = new AbortController();
    const given = enter('b', { signal: controller.signal });
    await turn();
    expect(timersOf(process)).toBeGreaterThan(timers);
    controller.abort(new Error('no more'));
    await expect(given).rejects.toThrow('no more');
    expect(timersOf(process)).toBe(timers);
    void enter('c');
    await turn();
    expect(begun).toEqual(['a']);
    await clock.advance(3_600_000);
    await until(() => begun.length === 2);
  });

  it('keeps the reserve for others until the reset', async () => {
    const { budget, clock } = budgetOf({ reserve: 100 });
    const { enter, begun, waits } = entering(budget);
    budget.observe({ remaining: 101, resetAt: 60_000 }, 0);
    await enter('a');
    void enter('b');
    await turn();
    // The one that is under way may be the last that is left.
    expect(begun).toEqual(['a']);
    expect(waits).toEqual([]);
    budget.observe({ remaining: 100, resetAt: 60_000 }, 0);
    budget.leave();
    await clock.advance(59_999);
    expect(begun).toEqual(['a']);
    expect(waits).toEqual([60_000]);
    await clock.advance(1);
    expect(begun).toEqual(['a', 'b']);
  });

  it('goes on at once when what was under way cost nothing, as a 304 does', async () => {
    const { budget } = budgetOf({});
    const { enter, begun } = entering(budget);
    budget.observe({ remaining: 1, resetAt: 60_000 }, 0);
    await enter('a');
    void enter('b');
    await turn();
    expect(begun).toEqual(['a']);
    budget.observe({ remaining: 1, resetAt: 60_000 }, 0);
    budget.leave();
    await turn();
    expect(begun).toEqual(['a', 'b']);
  });

  it('believes the smallest number of a window, since answers overtake each other, and a later window at once', async () => {
    const { budget, clock } = budgetOf({});
    const { enter, begun } = entering(budget);
    budget.observe({ remaining: 0, resetAt: 60_000 }, 0);
    budget.observe({ remaining: 5, resetAt: 60_000 }, 0);
    void enter('a');
    await turn();
    expect(begun).toEqual([]);
    await clock.advance(30_000);
    budget.observe({ remaining: 5, resetAt: 120_000 }, 30_000);
    void enter('b');
    await turn();
    expect(begun).toEqual(['a', 'b']);
  });

  it('measures the reset by the clock of the server', async () => {
    const { budget, clock } = budgetOf({}, new FakeClock(5_000_000));
    const { enter, begun } = entering(budget);
    budget.observe({ remaining: 0, resetAt: 1_060_000 }, 1_000_000);
    void enter('a');
    await clock.advance(59_999);
    expect(begun).toEqual([]);
    await clock.advance(1);
    expect(begun).toEqual(['a']);
  });

  it('tells everybody when a wait grows longer, and wakes up then', async () => {
    const { budget, clock } = budgetOf({});
    const { enter, begun, waits } = entering(budget);
    budget.pause(1_000);
    void enter('a');
    budget.pause(5_000);
    budget.pause(3_000);
    await clock.advance(4_999);
    expect(begun).toEqual([]);
    await clock.advance(1);
    expect(begun).toEqual(['a']);
    expect(waits).toEqual([1_000, 5_000]);
  });

  it('refuses who would not wait so long, and leaves no timer for them', async () => {
    const { budget, clock } = budgetOf({});
    const { enter } = entering(budget);
    budget.pause(10_001);
    const error = await failureOf(enter('a', { longestWaitMs: 10_000 }));
    expect(error).toMatchObject({ name: 'RateLimitedError', code: 'HTTP_WAIT_TOO_LONG', retryAfterMs: 10_001 });
    expect(clock.sleeping).toBe(0);
  });

  it('AG1: an abort gives the place in the line to the next, and leaves no listener and no timer', async () => {
    const { budget, clock } = budgetOf({ concurrency: 1 });
    const { enter, begun } = entering(budget);
    const controller = new AbortController();
    const { signal } = controller;
    await enter('a', { signal });
    const aborted = failureOf(enter('b', { signal, priority: 1 }));
    void enter('c');
    controller.abort('enough');
    expect(await aborted).toBe('enough');
    budget.leave();
    await turn();
    expect(begun).toEqual(['a', 'c']);
    budget.pause(1_000);
    const second = new AbortController();
    const waiting = failureOf(enter('d', { signal: second.signal }));
    second.abort('too');
    expect(await waiting).toBe('too');
    expect(clock.sleeping).toBe(0);
    for (const each of [signal, second.signal]) expect(getEventListeners(each, 'abort')).toHaveLength(0);
  });

  it('obeys the strictest of those who hold it', async () => {
    const { budget } = budgetOf({ concurrency: 3 });
    const careful = {};
    budget.hold(careful, { concurrency: 1 });
    const { enter, begun } = entering(budget);
    for (const name of ['a', 'b', 'c', 'd']) void enter(name);
    await turn();
    expect(begun).toEqual(['a']);
    budget.release(careful);
    budget.leave();
    await turn();
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('the budgets of a process', () => {
  const options = { origin: 'https://example.com', identity: 'me', limits: undefined };

  it('are shared by origin, credentials, bucket and clock, and by nothing else', () => {
    const clock = new FakeClock();
    const lease = (changed: object) => new BudgetLease({ ...options, clock, ...changed });
    const budget = lease({}).of('');
    expect(lease({}).of('')).toBe(budget);
    expect(lease({}).of('other')).not.toBe(budget);
    expect(lease({ identity: 'you' }).of('')).not.toBe(budget);
    expect(lease({ origin: 'https://example.org' }).of('')).not.toBe(budget);
    expect(lease({ clock: new FakeClock() }).of('')).not.toBe(budget);
  });

  it('are forgotten when nobody holds them, but not before a pause is over', async () => {
    const clock = new FakeClock();
    const first = new BudgetLease({ ...options, clock });
    const budget = first.of('');
    budget.pause(1_000);
    first.release();
    const other = new BudgetLease({ ...options, clock });
    other.of('another');
    expect(other.of('')).toBe(budget);
    other.release();
    await clock.advance(1_000);
    new BudgetLease({ ...options, clock }).of('another');
    expect(new BudgetLease({ ...options, clock }).of('')).not.toBe(budget);
  });

  it('are fed by the headers of what any client is answered, by the clock of the server', async () => {
    const date = Date.UTC(2026, 10, 22);
    const headers = {
      date: new Date(date).toUTCString(),
      'x-ratelimit-remaining': '50',
      'x-ratelimit-reset': String(date / 1_000 + 60),
    };
    const server = await serve((_, response) => json(response, 'ok', headers));
    const clock = new FakeClock();
    const credentials = { identity: 'fed' };
    await clientOf(server, { clock, credentials }).request({ url: 'a' });
    const statuses: unknown[] = [];
    const polite = clientOf(server, {
      clock,
      credentials,
      limits: { reserve: 50 },
      onStatus: (status) => statuses.push(status),
    });
    const pending = polite.request({ url: 'b' });
    await until(() => statuses.length > 0);
    expect(statuses).toEqual([{ state: 'waiting-for-rate-limit', until: new Date(60_000) }]);
    expect(server.asked).toHaveLength(1);
    await clock.advance(60_000);
    await pending;
    expect(statuses[1]).toEqual({ state: 'reading' });
  });
});
