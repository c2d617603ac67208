import {
  ConfigError,
  ConnectionError,
  FatalError,
  ingest,
  RateLimitedError,
  RetryableError,
  type SinkBatch,
  SinkError,
  SkippableError,
} from 'headwater';
import { FakeClock } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { atOnce, failureOf, ObservedStore } from '../support/ingesting.js';
import { afterTurns, turns } from '../support/observing.js';
import { pages, type TestEvent } from '../support/test-sources.js';

/** A sink that fails with these, one after the other, and takes everything after that. */
function failing(...errors: unknown[]) {
  const attempts: number[] = [];
  const sink = async ({ attempt }: SinkBatch<TestEvent>): Promise<void> => {
    attempts.push(attempt);
    if (errors.length > 0) throw errors.shift();
  };
  return { sink, attempts };
}

describe('by the class of the error', () => {
  it.each([
    ['RetryableError', () => new RetryableError('later')],
    ['RateLimitedError', () => new RateLimitedError('later')],
    ['ConnectionError', () => new ConnectionError('later')],
    ['an error of no class of ours', () => new Error('who knows')],
    ['something that is no error', () => 'who knows'],
  ])('%s is tried again', async (_, create) => {
    const { sink, attempts } = failing(create(), create());
    const report = await ingest({ source: pages(2, 2), sink, retry: atOnce });
    expect(attempts).toEqual([1, 2, 3]);
    expect(report).toMatchObject({ status: 'completed', read: 2, written: 2, retries: 2, batches: 1 });
  });

  it.each([
    ['TypeError', () => new TypeError('undefined is not a function')],
    ['FatalError', () => new FatalError('no')],
    ['SinkError', () => new SinkError('no')],
    ['ConfigError', () => new ConfigError([{ severity: 'error', code: 'X', message: 'no' }])],
    ['SkippableError', () => new SkippableError('this one')],
  ])('%s is not', async (_, create) => {
    const error = create();
    const { sink, attempts } = failing(error);
    const failure = await failureOf(ingest({ source: pages(2, 2), sink, retry: atOnce }));
    expect(attempts).toEqual([1]);
    expect(failure.report).toMatchObject({ status: 'failed', read: 2, written: 0, retries: 0, batches: 0 });
    if (error instanceof TypeError) expect(failure).toMatchObject({ name: 'SinkError', code: 'SINK' });
    else expect(failure).toBe(error);
  });

  it('what fails for good without a place for dead letters ends the run, told by a SinkError', async () => {
    const { sink, attempts } = failing(...Array.from({ length: 9 }, () => new Error('disk on fire')));
    const failure = await failureOf(ingest({ source: pages(2, 2), sink, retry: { ...atOnce, retries: 2 } }));
    expect(attempts).toEqual([1, 2, 3]);
    expect(failure).toMatchObject({
      name: 'SinkError',
      code: 'SINK',
      sourceId: 'test',
      cause: { message: 'disk on fire' },
    });
    expect(failure.message).toContain('disk on fire');
  });

  it('attempts are counted for every batch anew', async () => {
    const { sink, attempts } = failing(new Error('once'), new Error('twice'));
    await ingest({ source: pages(2, 1), sink, retry: atOnce, batch: { maxEvents: 1 } });
    expect(attempts).toEqual([1, 2, 3, 1]);
  });
});

describe('by the clock of the source', () => {
  it('waits about 1, 2 and 4 seconds by default', async () => {
    const waits: number[] = [];
    const clock = { now: () => 0, sleep: async (ms: number) => void waits.push(ms) };
    const { sink, attempts } = failing(...Array.from({ length: 9 }, () => new Error('no')));
    const failure = await failureOf(ingest({ source: pages(1, 1, { clock }), sink }));
    expect(failure.report.retries).toBe(3);
    expect(attempts).toEqual([1, 2, 3, 4]);
    for (const [index, least] of [1_000, 2_000, 4_000].entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(least);
      expect(waits[index]).toBeLessThanOrEqual(2 * least);
    }
  });

  it('retryAfterMs is respected, also beyond the longest delay', async () => {
    const clock = new FakeClock();
    const { sink, attempts } = failing(new RateLimitedError('slow down', { retryAfterMs: 3_600_000 }));
    const running = ingest({ source: pages(1, 1, { clock }), sink });
    await turns();
    await clock.advance(3_599_999);
    expect(attempts).toEqual([1]);
    await clock.advance(1);
    await turns();
    expect(attempts).toEqual([1, 2]);
    expect(await running).toMatchObject({ status: 'completed', retries: 1 });
  });

  it('a signal ends the waiting', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const { sink, attempts } = failing(new Error('no'));
    const running = ingest({ source: pages(1, 1, { clock }), sink, signal: controller.signal });
    await turns();
    controller.abort();
    const outcome = await afterTurns(running);
    expect(outcome).toMatchObject({ value: { status: 'cancelled', written: 0, batches: 0 } });
    expect(attempts).toEqual([1]);
    expect(clock.sleeping).toBe(0);
  });
});

describe('saving the cursor', () => {
  it('is tried again by class', async () => {
    const store = new ObservedStore();
    const errors: unknown[] = [new Error('busy'), new RetryableError('busy')];
    store.beforeSave = () => {
      if (errors.length > 0) throw errors.shift();
    };
    const { sink, attempts } = failing();
    const report = await ingest({ source: pages(2, 2), sink, cursorStore: store, retry: atOnce });
    expect(report).toMatchObject({ status: 'completed', retries: 2 });
    expect(attempts).toEqual([1]);
    expect(await store.cursor()).toEqual({ n: 2 });
  });

  it.each([
    ['unknown', () => new Error('disk full'), 3],
    ['fatal', () => new FatalError('disk gone'), 1],
  ])('that fails for good ends the run, and nothing is lost: %s', async (_, create, tries) => {
    const store = new ObservedStore();
    let tried = 0;
    store.beforeSave = () => {
      tried += 1;
      throw create();
    };
    const source = pages(2, 2);
    const { sink } = failing();
    const retry = { ...atOnce, retries: 2 };
    const failure = await failureOf(ingest({ source, sink, cursorStore: store, retry }));
    expect(failure.message).toContain('disk');
    expect(failure.report).toMatchObject({ status: 'failed', written: 2, batches: 0, cursorAfter: undefined });
    expect(tried).toBe(tries);
    expect(source.getCursor()).toBeUndefined();
    store.beforeSave = () => {};
    expect(await ingest({ source, sink, cursorStore: store })).toMatchObject({ read: 2, cursorAfter: { n: 2 } });
  });

  it('whose answer was lost is no conflict', async () => {
    const store = new ObservedStore();
    let isLost = false;
    store.afterSave = () => {
      isLost = !isLost;
      if (isLost) throw new ConnectionError('reset');
    };
    const { sink, attempts } = failing();
    const options = { source: pages(4, 1), sink, cursorStore: store, retry: atOnce, batch: { maxEvents: 1 } };
    expect(await ingest(options)).toMatchObject({ status: 'completed', written: 4, cursorAfter: { n: 4 } });
    expect(attempts).toEqual([1, 1, 1, 1]);
    expect(await store.cursor()).toEqual({ n: 4 });
  });
});
