import { ConfigError, ConnectionError, CursorConflictError, ingest, type SinkFunction } from 'headwater';
import { describe, expect, it } from 'vitest';
import type { Database, DatabaseCursorStore, Step } from '../support/database.js';
import { type DatabaseSink, setUp } from '../support/in-sink.js';
import { failureOf, ObservedLetters } from '../support/ingesting.js';
import { numberOf, range } from '../support/observing.js';
import { type ItemCursor, pages, type TestEvent } from '../support/test-sources.js';

/** Fails the so-maniest time that a step is taken. */
function failAt(database: Database, step: Step, time: number, error: Error): void {
  let times = 0;
  database.onStep = (taken) => {
    if (taken === step && ++times === time) throw error;
  };
}

it('the cursor is saved with the events, and by nobody else', async () => {
  const { database, options } = setUp();
  const steps: Step[] = [];
  database.onStep = (step) => void steps.push(step);
  const report = await ingest({ ...options, source: pages(8, 4) });
  expect(report).toMatchObject({ status: 'completed', written: 8, batches: 2, cursorAfter: { n: 8 } });
  expect(database.effects).toEqual(range(1, 8));
  const batch: Step[] = ['begin', 'insert', 'insert', 'insert', 'insert', 'save', 'commit.before', 'commit.after'];
  expect(steps).toEqual(['load', ...batch, ...batch]);
});

it('a sink that resolves without saveCursor is a SinkError, and is not called again', async () => {
  const { options } = setUp();
  let calls = 0;
  const sink = (): void => {
    calls += 1;
  };
  const deadLetters = new ObservedLetters();
  const failure = await failureOf(ingest({ ...options, sink, deadLetters, source: pages(8, 4) }));
  expect(failure).toMatchObject({ name: 'SinkError', code: 'CURSOR_NOT_SAVED', report: { written: 0, batches: 0 } });
  expect(calls).toBe(1);
  expect(await deadLetters.all()).toEqual([]);
});

it('a sink that saved in an earlier try and not in this one is a SinkError too', async () => {
  const { database, options } = setUp();
  failAt(database, 'commit.before', 1, new Error('rolled back'));
  const sink: DatabaseSink = (batch) => (batch.attempt === 1 ? options.sink(batch) : undefined);
  const failure = await failureOf(ingest({ ...options, sink, source: pages(4, 4) }));
  expect(failure.code).toBe('CURSOR_NOT_SAVED');
});

describe('options', () => {
  it.each([
    ['IN_SINK_CONCURRENCY', { concurrency: 2 }],
    ['IN_SINK_WITHOUT_STORE', { cursorStore: undefined }],
  ])('%s', async (code, more) => {
    const { options } = setUp();
    const failure = await failureOf(ingest({ ...options, source: pages(4, 4), ...more }));
    expect(failure).toBeInstanceOf(ConfigError);
    expect((failure as unknown as ConfigError).problems[0]?.code).toBe(code);
  });

  it('saveCursor is refused outside of in-sink', async () => {
    const { database, options } = setUp();
    const failure = await failureOf(ingest({ ...options, cursor: 'after-sink', source: pages(4, 4) }));
    expect(failure).toBeInstanceOf(ConfigError);
    expect((failure as unknown as ConfigError).problems[0]?.code).toBe('NOT_IN_SINK');
    expect(database.effects).toEqual([]);
    expect(database.cursor()).toBeUndefined();
  });

  it('refusing is a rejection, not a throw', async () => {
    let refused: unknown;
    const sink: SinkFunction<TestEvent, ItemCursor, never> = async (batch) => {
      refused = await batch.saveCursor(undefined as never).catch((error: unknown) => error);
    };
    await ingest({ source: pages(1, 1), sink });
    expect(refused).toBeInstanceOf(ConfigError);
  });
});

describe('a lost answer to COMMIT', () => {
  it.each([false, true])('is a success, not a repeat; unique key: %s', async (hasUniqueKey) => {
    const { database, options } = setUp();
    database.hasUniqueKey = hasUniqueKey;
    failAt(database, 'commit.after', 1, new ConnectionError('reset'));
    const report = await ingest({ ...options, source: pages(8, 4) });
    expect(report).toMatchObject({ status: 'completed', written: 8, retries: 0 });
    expect(database.effects).toEqual(range(1, 8));
    expect(database.cursor()).toEqual({ n: 8 });
  });

  it.each([false, true])(
    'is found out by the next try where nobody could look; unique key: %s',
    async (hasUniqueKey) => {
      const { database, options } = setUp();
      database.hasUniqueKey = hasUniqueKey;
      let isDown = false;
      database.onStep = (step) => {
        const wasDown = isDown;
        isDown = step === 'commit.after' && database.effects.length === 4;
        if (wasDown || isDown) throw new Error('reset');
      };
      const report = await ingest({ ...options, source: pages(8, 4) });
      expect(report).toMatchObject({ status: 'completed', written: 8, retries: 1 });
      expect(database.effects).toEqual(range(1, 8));
    },
  );

  it('nobody can ever look at ends the run, and no event is blamed for it', async () => {
    const { database, deadLetters, options } = setUp();
    let isDown = false;
    database.onStep = (step) => {
      isDown ||= step === 'commit.after';
      if (isDown) throw new Error('gone');
    };
    const failure = await failureOf(ingest({ ...options, deadLetters, maxDeadLetterRatio: 1, source: pages(8, 4) }));
    expect(failure).toMatchObject({ name: 'RetryableError', code: 'CURSOR_SAVE_FAILED' });
    database.onStep = () => {};
    expect(await deadLetters.all()).toEqual([]);
    expect(await ingest({ ...options, deadLetters, source: pages(8, 4) })).toMatchObject({ read: 4 });
    expect(database.effects).toEqual(range(1, 8));
  });

  it('of a commit that lands while the next try runs is a success', async () => {
    const { database, options } = setUp();
    database.hasUniqueKey = true;
    const sink: DatabaseSink = async (batch) => {
      if (batch.attempt > 1) return options.sink(batch);
      // The commit is on its way when the connection breaks, and arrives with the next try.
      const late = database.transaction(async (transaction) => {
        for (const event of batch.events) await transaction.insert(Number(numberOf(event)));
        await batch.saveCursor(transaction);
        await new Promise((resolve) => setImmediate(resolve));
      });
      database.onStep = async (step) => {
        if (step !== 'begin') return;
        database.onStep = () => {};
        await late;
      };
      await Promise.race([late, new Promise<never>((_, reject) => setImmediate(() => reject(new Error('reset'))))]);
    };
    const report = await ingest({ ...options, sink, source: pages(4, 4) });
    expect(report).toMatchObject({ status: 'completed', written: 4 });
    expect(database.effects).toEqual(range(1, 4));
  });
});

describe('another writer', () => {
  /** Somebody else stores the whole and moves the cursor, once this run has loaded it. */
  const interfere = async (database: Database, cursorStore: DatabaseCursorStore) => {
    await database.transaction(async (transaction) => {
      const write = {
        sourceId: 'test',
        sourceType: 'test',
        origin: 'test',
        cursorVersion: 1,
        cursor: { n: 8 },
        writer: 'other',
      };
      await cursorStore.save(write, { expectedRevision: 0, transaction });
    });
  };

  it.each(['as it is', 'wrapped'])(
    'ends the run, the conflict told %s, and nothing of the batch is kept',
    async (told) => {
      const { database, cursorStore, deadLetters, options } = setUp();
      let calls = 0;
      const sink: DatabaseSink = async (batch) => {
        calls += 1;
        if (calls === 1) await interfere(database, cursorStore);
        const writing = Promise.resolve(options.sink(batch));
        await writing.catch((error: unknown) => {
          throw told === 'wrapped' ? new Error('query failed', { cause: error }) : error;
        });
      };
      const failure = await failureOf(
        ingest({ ...options, sink, deadLetters, maxDeadLetterRatio: 1, source: pages(8, 4) }),
      );
      expect(failure).toBeInstanceOf(CursorConflictError);
      expect(calls).toBe(1);
      expect(database.effects).toEqual([]);
      expect(await deadLetters.all()).toEqual([]);
      expect(database.cursor()).toEqual({ n: 8 });
    },
  );
});

describe('saveCursor', () => {
  it('may be called again within one write: the host tries its own transaction again', async () => {
    const { database, deadLetters, options } = setUp([2]);
    const seen: unknown[] = [];
    let serializationFailures = 2;
    database.onStep = (step) => {
      if (step === 'commit.before' && serializationFailures-- > 0) {
        throw Object.assign(new Error('could not serialize access'), { code: '40001' });
      }
    };
    const sink: DatabaseSink = async (batch) => {
      for (;;) {
        try {
          return await options.sink(batch);
        } catch (error) {
          seen.push(error);
          if ((error as { code?: string }).code !== '40001') throw error;
        }
      }
    };
    const report = await ingest({ ...options, sink, deadLetters, source: pages(4, 4) });
    expect(report).toMatchObject({ status: 'partial', written: 3, deadLettered: 1 });
    expect(database.effects).toEqual([1, 3, 4]);
    expect(await deadLetters.numbers()).toEqual([2]);
    expect(database.cursor()).toEqual({ n: 4 });
    expect(seen.filter((error) => (error as { code?: string }).code === '40001')).toHaveLength(2);
  });

  it('tells the host what the store says, so that it may try again', async () => {
    const { database, options } = setUp();
    const refusal = Object.assign(new Error('could not serialize access'), { code: '40001' });
    failAt(database, 'save', 1, refusal);
    let seen: unknown;
    const sink: DatabaseSink = async (batch) => {
      try {
        await options.sink(batch);
      } catch (error) {
        seen = error;
        await options.sink(batch);
      }
    };
    expect(await ingest({ ...options, sink, source: pages(4, 4) })).toMatchObject({ written: 4, retries: 0 });
    expect(seen).toBe(refusal);
    expect(database.effects).toEqual(range(1, 4));
  });

  it('that fails is tried again, and never blamed on an event', async () => {
    const { database, deadLetters, options } = setUp();
    let fails = true;
    database.onStep = (step) => {
      if (fails && step === 'save') throw new Error('no space');
    };
    const run = () => ingest({ ...options, deadLetters, maxDeadLetterRatio: 1, source: pages(4, 4) });
    const failure = await failureOf(run());
    expect(failure).toMatchObject({ code: 'CURSOR_SAVE_FAILED', report: { retries: 2 } });
    expect(failure.message).toContain('no space');
    expect(await deadLetters.all()).toEqual([]);
    fails = false;
    await run();
    expect(database.effects).toEqual(range(1, 4));
  });
});
