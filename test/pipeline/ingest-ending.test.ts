import { FatalError, ingest, type SinkBatch } from 'headwater';
import { FakeClock, RecordingLogger } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { Database, DatabaseCursorStore, type Transaction } from '../support/database.js';
import { failureOf, numbersOf, ObservedLetters, ObservedStore } from '../support/ingesting.js';
import { afterTurns, eventually, numberOf, range, take, turns } from '../support/observing.js';
import {
  BatchSource,
  counting,
  hanging,
  type ItemCursor,
  never,
  pages,
  ReadSource,
  type TestEvent,
} from '../support/test-sources.js';

/** A sink that holds every batch until it is told to let go. */
function holding() {
  const stored: (number | 'gap')[] = [];
  const held: (() => void)[] = [];
  const signals: AbortSignal[] = [];
  const sink = async (batch: SinkBatch<TestEvent, ItemCursor>): Promise<void> => {
    signals.push(batch.signal);
    await new Promise<void>((resolve) => held.push(resolve));
    stored.push(...numbersOf(batch));
  };
  return { sink, stored, held, signals };
}

/** Yields these numbers after the cursor, then waits for more. */
function following(last: number, clock = new FakeClock()) {
  const source = new ReadSource(
    async function* (self, { cursor, signal, follow }) {
      for (let n = (cursor?.n ?? 0) + 1; n <= last; n += 1) yield self.item(n);
      if (follow) await clock.sleep(86_400_000, signal);
    },
    { clock },
  );
  return { source, clock };
}

describe('limit', () => {
  it.each([
    [0, 1],
    [1, 1],
    [5, 2],
    [5, 100],
    [100, 7],
  ])('%i with batches of %i', async (limit, maxEvents) => {
    const cursorStore = new ObservedStore();
    const report = await ingest({ source: counting(9), sink: () => {}, cursorStore, limit, batch: { maxEvents } });
    const read = Math.min(limit, 9);
    expect(report).toMatchObject({ status: 'completed', read, written: read });
    expect(await cursorStore.cursor()).toEqual(read === 0 ? undefined : { n: read });
  });

  it('reads not one event beyond', async () => {
    const read: number[] = [];
    const source = new ReadSource(async function* (self) {
      for (let n = 1; n <= 9; n += 1) {
        read.push(n);
        yield self.item(n);
      }
    });
    await ingest({ source, sink: () => {}, limit: 3, concurrency: 2, batch: { maxEvents: 1 } });
    expect(read).toEqual([1, 2, 3]);
  });
});

describe('until', () => {
  it('ends the run at that time, with what is in the sink committed', async () => {
    const { source, clock } = following(2);
    const cursorStore = new ObservedStore();
    const { sink, stored, held } = holding();
    const until = new Date(clock.now() + 5_000);
    const running = ingest({ source, sink, cursorStore, follow: true, until });
    await eventually(() => held.length === 1);
    await clock.advance(5_000);
    expect(await afterTurns(running)).toBe('pending');
    held.pop()?.();
    expect(await running).toMatchObject({ status: 'completed', read: 2, written: 2, cursorAfter: { n: 2 } });
    expect(stored).toEqual([1, 2]);
    expect(await cursorStore.cursor()).toEqual({ n: 2 });
  });

  it('in the past reads nothing', async () => {
    const { source, clock } = following(2);
    const report = await ingest({ source, sink: () => {}, until: new Date(clock.now() - 1) });
    expect(report).toMatchObject({ status: 'completed', read: 0 });
  });
});

describe('follow', () => {
  it('goes on until it is told to stop, storing what comes', async () => {
    const { source, clock } = following(3);
    const cursorStore = new ObservedStore();
    const controller = new AbortController();
    const stored: (number | 'gap')[] = [];
    const sink = (batch: SinkBatch<TestEvent, ItemCursor>): void => void stored.push(...numbersOf(batch));
    const running = ingest({ source, sink, cursorStore, follow: true, signal: controller.signal });
    await eventually(() => stored.length === 3);
    await clock.advance(3_600_000);
    expect(await afterTurns(running)).toBe('pending');
    expect(await cursorStore.cursor()).toEqual({ n: 3 });
    controller.abort();
    expect(await running).toMatchObject({ status: 'cancelled', read: 3, written: 3, cursorAfter: { n: 3 } });
  });

  it('without it the run ends when the source has caught up', async () => {
    const { source } = following(3);
    expect(await ingest({ source, sink: () => {} })).toMatchObject({ status: 'completed', read: 3 });
  });
});

describe('signal', () => {
  it('fired before anything calls no sink', async () => {
    const cursorStore = new ObservedStore();
    const sink = (): never => {
      throw new Error('called');
    };
    const report = await ingest({ source: counting(3), sink, cursorStore, signal: AbortSignal.abort() });
    expect(report).toMatchObject({ status: 'cancelled', read: 0 });
    expect(report.finishedAt).toBeDefined();
    expect(cursorStore.saves).toEqual([]);
  });

  it('tells the sink, and what it still takes in time is saved and acknowledged', async () => {
    const { source, clock } = following(2);
    const cursorStore = new ObservedStore();
    const controller = new AbortController();
    const { sink, held, signals } = holding();
    const running = ingest({ source, sink, cursorStore, signal: controller.signal });
    await eventually(() => held.length === 1);
    expect(signals[0]?.aborted).toBe(false);
    const reason = new Error('stop');
    controller.abort(reason);
    expect(signals[0]?.reason).toBe(reason);
    await clock.advance(4_000);
    held.pop()?.();
    expect(await running).toMatchObject({ status: 'cancelled', written: 2, cursorAfter: { n: 2 } });
    expect(await cursorStore.cursor()).toEqual({ n: 2 });
    expect(source.getCursor()).toEqual({ n: 2 });
    expect(clock.sleeping).toBe(0);
  });

  it('is bounded by the grace while the sink hangs; what it does later changes nothing', async () => {
    const { source, clock } = following(2);
    const cursorStore = new ObservedStore();
    const controller = new AbortController();
    const progress: unknown[] = [];
    const { sink, held, stored } = holding();
    const running = ingest({
      source,
      sink,
      cursorStore,
      signal: controller.signal,
      onProgress: (report) => void progress.push(report),
    });
    await eventually(() => held.length === 1);
    controller.abort();
    await turns();
    await clock.advance(4_999);
    expect(await afterTurns(running)).toBe('pending');
    await clock.advance(1);
    expect(await running).toMatchObject({ status: 'cancelled', read: 2, written: 0, cursorAfter: undefined });
    held.pop()?.();
    await turns();
    expect(stored).toEqual([1, 2]);
    expect(cursorStore.saves).toEqual([]);
    expect(progress).toEqual([]);
    expect(source.getCursor()).toBeUndefined();
    expect(await take(source.generateEvents())).toEqual([1, 2]);
  });

  it('a sink that wakes up after the grace cannot save its cursor, and rolls back', async () => {
    const { source, clock } = following(2);
    const database = new Database();
    const cursorStore = new DatabaseCursorStore(database);
    const controller = new AbortController();
    const letting: (() => void)[] = [];
    let late: Promise<unknown> | undefined;
    const sink = (batch: SinkBatch<TestEvent, ItemCursor, Transaction>): Promise<void> => {
      const writing = database.transaction(async (transaction) => {
        for (const event of batch.events) await transaction.insert(Number(numberOf(event)));
        await new Promise<void>((resolve) => letting.push(resolve));
        await batch.saveCursor(transaction);
      });
      late = writing.catch((error: unknown) => error);
      return writing;
    };
    const running = ingest({ source, sink, cursorStore, cursor: 'in-sink', signal: controller.signal });
    await eventually(() => letting.length === 1);
    controller.abort();
    await turns();
    await clock.advance(5_000);
    expect(await running).toMatchObject({ status: 'cancelled', written: 0 });
    letting.pop()?.();
    expect(await late).toBe(controller.signal.reason);
    expect(database.effects).toEqual([]);
    expect(database.cursor()).toBeUndefined();
  });

  it('makes no dead letters of what the sink gave up', async () => {
    const controller = new AbortController();
    const deadLetters = new ObservedLetters();
    const sink = async ({ signal }: SinkBatch<TestEvent, ItemCursor>): Promise<void> => {
      controller.abort();
      signal.throwIfAborted();
    };
    const options = { sink, deadLetters, maxDeadLetterRatio: 1, signal: controller.signal };
    expect(await ingest({ ...options, source: counting(3) })).toMatchObject({ status: 'cancelled', deadLettered: 0 });
    expect(await deadLetters.all()).toEqual([]);
  });

  it('a source that hangs holds nothing up', async () => {
    const controller = new AbortController();
    const clock = new FakeClock();
    const stored: (number | 'gap')[] = [];
    const sink = (batch: SinkBatch<TestEvent, ItemCursor>): void => void stored.push(...numbersOf(batch));
    const running = ingest({ source: hanging(2, { clock }), sink, signal: controller.signal });
    await eventually(() => stored.length === 2);
    controller.abort();
    await turns();
    await clock.advance(5_000);
    expect(await running).toMatchObject({ status: 'cancelled', written: 2 });
  });

  it('does not hide what had failed before', async () => {
    const controller = new AbortController();
    const { sink, held } = holding();
    const source = pages(2, 1);
    const running = failureOf(
      ingest({
        source,
        concurrency: 2,
        batch: { maxEvents: 1 },
        signal: controller.signal,
        sink: async (batch) => {
          if (numbersOf(batch)[0] === 2) throw new FatalError('two');
          await sink(batch);
        },
      }),
    );
    await eventually(() => held.length === 1);
    await turns();
    controller.abort();
    held.pop()?.();
    expect(await running).toMatchObject({ message: 'two', report: { status: 'failed', batches: 1 } });
  });

  it('an error that it brought about is logged and not thrown', async () => {
    const controller = new AbortController();
    const logger = new RecordingLogger();
    const sink = (): never => {
      controller.abort();
      throw new FatalError('interrupted');
    };
    const report = await ingest({ source: counting(1), sink, signal: controller.signal, logger });
    expect(report.status).toBe('cancelled');
    expect(logger.lines).toMatchObject([{ level: 'warn', object: { error: { message: 'interrupted' } } }]);
  });

  it('leaves no listener behind', async () => {
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...parameters: Parameters<typeof add>) => {
      listeners += 1;
      add(...parameters);
    };
    signal.removeEventListener = (...parameters: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...parameters);
    };
    await ingest({ source: counting(3), sink: () => {}, signal });
    await failureOf(ingest({ source: counting(3), sink: () => Promise.reject(new FatalError('no')), signal }));
    expect(listeners).toBe(0);
  });
});

describe('source.close()', () => {
  it('during a run ends it gracefully, with what is in the sink committed', async () => {
    const { source } = following(4);
    const cursorStore = new ObservedStore();
    const { sink, stored, held } = holding();
    const running = ingest({ source, sink, cursorStore, follow: true, concurrency: 2, batch: { maxEvents: 2 } });
    await eventually(() => held.length === 2);
    await source.close();
    expect(await afterTurns(running)).toBe('pending');
    for (const letGo of held.reverse()) letGo();
    expect(await running).toMatchObject({ status: 'completed', read: 4, written: 4, cursorAfter: { n: 4 } });
    expect([...stored].sort()).toEqual(range(1, 4));
    expect(await cursorStore.cursor()).toEqual({ n: 4 });
  });

  it('is not called by a run, nor is that of the sink', async () => {
    let closed = 0;
    const source = counting(2);
    const close = source.close.bind(source);
    source.close = () => {
      closed += 1;
      return close();
    };
    const written: number[] = [];
    class Storing {
      async write(batch: SinkBatch<TestEvent, ItemCursor>): Promise<void> {
        written.push(...(numbersOf(batch) as number[]));
      }
      async close(): Promise<void> {
        closed += 1;
      }
    }
    await ingest({ source, sink: new Storing() });
    const sink = Object.assign(() => Promise.reject(new FatalError('no')), { close: source.close });
    source.setCursor(undefined);
    await failureOf(ingest({ source, sink }));
    expect(written).toEqual([1, 2]);
    expect(closed).toBe(0);
    expect(await take(source.generateEvents())).toEqual([1, 2]);
  });
});

describe('what upstream says', () => {
  it('a settle that fails fails the run, with the cursor saved before it', async () => {
    const cursorStore = new ObservedStore();
    const source = new BatchSource(async function* (self) {
      yield {
        events: self.items(1, 2),
        cursor: { n: 2 },
        settle: () => {
          throw new Error('connection lost');
        },
      };
    });
    const failure = await failureOf(ingest({ source, sink: () => {}, cursorStore }));
    expect(failure).toMatchObject({ message: 'connection lost', report: { status: 'failed', written: 2, batches: 1 } });
    expect(await cursorStore.cursor()).toEqual({ n: 2 });
  });

  it('a source that fails fails the run, with what came before it committed', async () => {
    const cursorStore = new ObservedStore();
    const source = new ReadSource(async function* (self) {
      yield self.item(1);
      yield self.item(2);
      throw new FatalError('no such page');
    });
    const failure = await failureOf(ingest({ source, sink: () => {}, cursorStore }));
    expect(failure).toMatchObject({ message: 'no such page', report: { status: 'failed', read: 2, written: 2 } });
    expect(await cursorStore.cursor()).toEqual({ n: 2 });
  });

  it('a batch that is given up is told to upstream as not acknowledged', async () => {
    const told: unknown[] = [];
    const source = new BatchSource(async function* (self) {
      yield {
        events: self.items(1, 2),
        settle: (acknowledged, outcome) => void told.push([acknowledged, outcome.final, outcome.error]),
      };
      await never();
    });
    source.closeGraceMs = 10;
    const error = new FatalError('no');
    await failureOf(ingest({ source, sink: () => Promise.reject(error), follow: true }));
    expect(told).toEqual([[0, true, error]]);
  });
});
