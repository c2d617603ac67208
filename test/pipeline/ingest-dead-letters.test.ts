import fc from 'fast-check';
import {
  ConfigError,
  ConnectionError,
  FatalError,
  ingest,
  RetryableError,
  type SinkBatch,
  SkippableError,
} from 'headwater';
import { describe, expect, it } from 'vitest';
import { atOnce, failureOf, numbersOf, ObservedLetters, ObservedStore } from '../support/ingesting.js';
import { numberOf, range } from '../support/observing.js';
import { BatchSource, type ItemCursor, pages, ReadSource, type TestEvent } from '../support/test-sources.js';

/** Refuses every batch with one of these in it; keeps the others, and counts how often it saw each. */
function refusing(poisons: ReadonlySet<number | 'gap'>, create: () => Error = () => new Error('poison')) {
  const stored: (number | 'gap')[] = [];
  const seen = new Map<number | 'gap', number>();
  const sink = async (batch: SinkBatch<TestEvent, ItemCursor>): Promise<void> => {
    const numbers = numbersOf(batch);
    for (const n of numbers) seen.set(n, (seen.get(n) ?? 0) + 1);
    if (numbers.some((n) => poisons.has(n))) throw create();
    stored.push(...numbers);
  };
  return { sink, stored, seen };
}

describe('bisection', () => {
  it('leaves every poison event standing alone, wherever they are, and loses no other', async () => {
    const scenario = fc.record({
      last: fc.integer({ min: 1, max: 40 }),
      size: fc.integer({ min: 1, max: 40 }),
      cursorAt: fc.boolean(),
      poisons: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 6 }),
      retries: fc.integer({ min: 0, max: 2 }),
      skippable: fc.boolean(),
      concurrency: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ last, size, cursorAt, poisons, retries, skippable, concurrency }) => {
        const expected = poisons.filter((n) => n <= last).sort((a, b) => a - b);
        const create = (): Error => (skippable ? new SkippableError('poison') : new Error('poison'));
        const { sink, stored, seen } = refusing(new Set(poisons), create);
        const deadLetters = new ObservedLetters();
        const cursorStore = new ObservedStore();
        const report = await ingest({
          source: pages(last, size, { cursorAt }),
          sink,
          cursorStore,
          deadLetters,
          concurrency,
          maxDeadLetterRatio: 1,
          batch: { maxEvents: size },
          retry: { ...atOnce, retries },
        });
        expect(await deadLetters.numbers()).toEqual(expected);
        expect([...stored].sort((a, b) => Number(a) - Number(b))).toEqual(
          range(1, last).filter((n) => !expected.includes(n)),
        );
        for (const { event, attempts, error, sourceId } of await deadLetters.all()) {
          expect(attempts).toBe(seen.get(numberOf(event)));
          expect(error.message).toBe('poison');
          expect(sourceId).toBe('test');
        }
        expect(report).toMatchObject({
          status: expected.length > 0 ? 'partial' : 'completed',
          read: last,
          written: last - expected.length,
          deadLettered: expected.length,
        });
        expect(await cursorStore.cursor()).toEqual({ n: last });
      }),
      { numRuns: 150 },
    );
  });

  it('tries halves once each: the waiting was done for the whole', async () => {
    const { sink, seen } = refusing(new Set([8]));
    const deadLetters = new ObservedLetters();
    const report = await ingest({ source: pages(8, 8), sink, deadLetters, retry: { ...atOnce, retries: 3 } });
    expect(report.retries).toBe(3);
    expect(seen.get(8)).toBe(4 + 3);
    expect((await deadLetters.all())[0]?.attempts).toBe(7);
  });

  it('a letter has the event as the source made it, not what transform made of it', async () => {
    const deadLetters = new ObservedLetters();
    await ingest({
      source: pages(3, 3),
      deadLetters,
      retry: { retries: 0 },
      transform: (event) => (event.type === 'test.item' ? { row: event.data.n } : undefined),
      sink: (batch) => {
        if (batch.events.some((row) => 'row' in row && row.row === 2)) throw new SkippableError('no');
      },
    });
    const [letter] = await deadLetters.all();
    expect(letter?.event).toMatchObject({ specversion: '1.0', id: '2', type: 'test.item', data: { n: 2 } });
  });
});

describe('an outage makes no dead letters', () => {
  it.each([
    ['RetryableError', () => new RetryableError('down')],
    ['ConnectionError', () => new ConnectionError('down')],
    ['FatalError', () => new FatalError('down')],
    ['ConfigError', () => new ConfigError([{ severity: 'error', code: 'X', message: 'down' }])],
  ])('%s ends the run', async (_, create) => {
    const deadLetters = new ObservedLetters();
    const cursorStore = new ObservedStore();
    const { sink, stored } = refusing(new Set([3]), create);
    const retry = { ...atOnce, retries: 1 };
    const failure = await failureOf(
      ingest({
        source: pages(4, 2),
        sink,
        cursorStore,
        deadLetters,
        retry,
        maxDeadLetterRatio: 1,
        batch: { maxEvents: 2 },
      }),
    );
    expect(failure.message).toContain('down');
    expect(stored).toEqual([1, 2]);
    expect(await deadLetters.all()).toEqual([]);
    expect(await cursorStore.cursor()).toEqual({ n: 2 });
  });

  it('one that begins while a batch is being split ends the run as well', async () => {
    const deadLetters = new ObservedLetters();
    const cursorStore = new ObservedStore();
    let calls = 0;
    const sink = (): void => {
      calls += 1;
      if (calls > 2) throw new ConnectionError('down');
      throw new SkippableError('poison');
    };
    const failure = await failureOf(
      ingest({
        source: pages(4, 4),
        sink,
        cursorStore,
        deadLetters,
        maxDeadLetterRatio: 1,
        retry: { ...atOnce, retries: 0 },
      }),
    );
    expect(failure).toBeInstanceOf(ConnectionError);
    expect(await deadLetters.all()).toEqual([]);
    expect(await cursorStore.cursor()).toBeUndefined();
  });

  it.each([
    ['RetryableError', () => new RetryableError('lookup down')],
    ['FatalError', () => new FatalError('lookup down')],
  ])('nor does %s in a transform', async (_, create) => {
    const deadLetters = new ObservedLetters();
    const cursorStore = new ObservedStore();
    const error = create();
    const failure = await failureOf(
      ingest({
        source: pages(4, 4),
        sink: () => {},
        cursorStore,
        deadLetters,
        maxDeadLetterRatio: 1,
        transform: async (event) => {
          if (numberOf(event) === 3) throw error;
          return event;
        },
      }),
    );
    expect(failure).toBe(error);
    expect(await deadLetters.all()).toEqual([]);
    expect(await cursorStore.cursor()).toBeUndefined();
  });
});

describe('transform', () => {
  const transform = (event: TestEvent): TestEvent | undefined => {
    if (numberOf(event) === 2) throw new TypeError('no such field');
    return numberOf(event) === 3 ? undefined : event;
  };

  it('that throws makes a dead letter with one attempt', async () => {
    const deadLetters = new ObservedLetters();
    const { sink, stored } = refusing(new Set());
    const report = await ingest({ source: pages(4, 4), sink, deadLetters, transform });
    expect(report).toMatchObject({ status: 'partial', read: 4, written: 2, filtered: 1, deadLettered: 1 });
    expect(stored).toEqual([1, 4]);
    expect(await deadLetters.all()).toMatchObject([{ attempts: 1, error: { name: 'TypeError' }, event: { id: '2' } }]);
  });

  it('that throws ends the run where there is no place for dead letters, before the sink', async () => {
    const { sink, stored } = refusing(new Set());
    const failure = await failureOf(ingest({ source: pages(4, 4), sink, transform }));
    expect(failure).toMatchObject({ name: 'FatalError', code: 'TRANSFORM_FAILED', sourceId: 'test' });
    expect(failure.message).toContain('no such field');
    expect(stored).toEqual([]);
  });

  it('a batch of nothing but dead letters is passed without the sink', async () => {
    const deadLetters = new ObservedLetters();
    const cursorStore = new ObservedStore();
    const { sink, seen } = refusing(new Set());
    const fails = (): never => {
      throw new Error('never');
    };
    await ingest({ source: pages(2, 2), sink, deadLetters, cursorStore, transform: fails, maxDeadLetterRatio: 1 });
    expect(seen.size).toBe(0);
    expect(await deadLetters.numbers()).toEqual([1, 2]);
    expect(await cursorStore.cursor()).toEqual({ n: 2 });
  });
});

describe('maxDeadLetterRatio', () => {
  const run = async (poisons: number, ratio?: number) => {
    const deadLetters = new ObservedLetters();
    const cursorStore = new ObservedStore();
    const { sink } = refusing(new Set(range(1, poisons)));
    const options = { source: pages(10, 10), sink, deadLetters, cursorStore, retry: { retries: 0 } };
    const report = await ingest({ ...options, maxDeadLetterRatio: ratio }).catch((error: unknown) => error);
    return { report, letters: await deadLetters.numbers(), cursor: await cursorStore.cursor() };
  };

  it.each([
    [5, undefined],
    [1, 0.1],
    [10, 1],
  ])('%i of 10 pass with %s', async (poisons, ratio) => {
    const { report, letters, cursor } = await run(poisons, ratio);
    expect(report).toMatchObject({ status: 'partial', deadLettered: poisons });
    expect(letters).toEqual(range(1, poisons));
    expect(cursor).toEqual({ n: 10 });
  });

  it.each([
    [6, undefined],
    [2, 0.1],
    [1, 0],
  ])('%i of 10 end the run with %s, before any letter is written', async (poisons, ratio) => {
    const { report, letters, cursor } = await run(poisons, ratio);
    expect(report).toMatchObject({ name: 'SinkError', code: 'TOO_MANY_DEAD_LETTERS', report: { status: 'failed' } });
    expect(letters).toEqual([]);
    expect(cursor).toBeUndefined();
  });

  it('counts from the beginning of the run', async () => {
    const deadLetters = new ObservedLetters();
    const cursorStore = new ObservedStore();
    const { sink } = refusing(new Set([7, 8, 9, 10, 11]));
    const options = { sink, deadLetters, cursorStore, retry: { retries: 0 }, batch: { maxEvents: 3 } };
    const failure = await failureOf(ingest({ ...options, source: pages(12, 3), maxDeadLetterRatio: 0.4 }));
    expect(failure.code).toBe('TOO_MANY_DEAD_LETTERS');
    expect(await deadLetters.numbers()).toEqual([7, 8, 9]);
    expect(await cursorStore.cursor()).toEqual({ n: 9 });
  });

  it.each([-0.1, 1.1, Number.NaN])('%s is refused', async (maxDeadLetterRatio) => {
    const failure = await failureOf(ingest({ source: pages(1, 1), sink: () => {}, maxDeadLetterRatio }));
    expect(failure).toBeInstanceOf(ConfigError);
  });
});

describe('a store that does not keep them', () => {
  it('is tried again by class, and ends the run with the cursor before them', async () => {
    const deadLetters = new ObservedLetters();
    const cursorStore = new ObservedStore();
    const { sink } = refusing(new Set([2]));
    const options = { source: pages(4, 4), sink, deadLetters, cursorStore, retry: { ...atOnce, retries: 1 } };
    let tries = 0;
    deadLetters.beforeAdd = () => {
      tries += 1;
      throw new Error('disk full');
    };
    const failure = await failureOf(ingest(options));
    expect(failure).toMatchObject({ message: 'disk full', report: { status: 'failed', deadLettered: 0, batches: 0 } });
    expect(tries).toBe(2);
    expect(await cursorStore.cursor()).toBeUndefined();
    deadLetters.beforeAdd = () => {};
    expect(await ingest(options)).toMatchObject({ read: 4, deadLettered: 1 });
    expect(await deadLetters.numbers()).toEqual([2]);
  });
});

describe('gap events', () => {
  const gappy = () =>
    new ReadSource(
      async function* (self) {
        yield self.item(1);
        yield self.hole('lost', { n: 2 });
        yield self.item(3);
      },
      { onGap: 'emit' },
    );

  it('bypass transform and schema, and make the run partial', async () => {
    const { sink, stored } = refusing(new Set());
    const transformed: (number | 'gap')[] = [];
    const report = await ingest({
      source: gappy(),
      sink,
      transform: (event) => {
        transformed.push(numberOf(event));
        return numberOf(event) === 3 ? undefined : (event as TestEvent);
      },
      schema: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: (value) =>
            numberOf(value as TestEvent) === 'gap' ? { issues: [{ message: 'a gap' }] } : { value },
        },
      },
    });
    expect(transformed).toEqual([1, 3]);
    expect(stored).toEqual([1, 'gap']);
    expect(report).toMatchObject({ status: 'partial', read: 3, written: 2, filtered: 1, gaps: 1, deadLettered: 0 });
  });

  it.each([
    ['an unknown error', () => new Error('what is this?')],
    ['SkippableError', () => new SkippableError('what is this?')],
    ['TypeError', () => new TypeError('what is this?')],
  ])('never become dead letters: one that the sink refuses ends the run, with %s', async (_, create) => {
    const deadLetters = new ObservedLetters();
    const cursorStore = new ObservedStore();
    const { sink, stored } = refusing(new Set<number | 'gap'>(['gap']), create);
    const options = { sink, deadLetters, cursorStore, maxDeadLetterRatio: 1, retry: { ...atOnce, retries: 1 } };
    const failure = await failureOf(ingest({ ...options, source: gappy() }));
    expect(failure.message).toContain('what is this?');
    expect(failure.report).toMatchObject({ status: 'failed', gaps: 1, deadLettered: 0 });
    expect(await deadLetters.all()).toEqual([]);
    expect(stored).not.toContain('gap');
    expect(await cursorStore.cursor()).toBeUndefined();
  });

  it('that stop the source end the run with what came before saved', async () => {
    const cursorStore = new ObservedStore();
    const source = new BatchSource(async function* (self) {
      yield { events: self.items(1, 2), cursor: { n: 2 } };
      yield { events: [self.hole('lost'), ...self.items(4, 5)], cursor: { n: 5 } };
    });
    const { sink, stored } = refusing(new Set());
    const failure = await failureOf(ingest({ source, sink, cursorStore, deadLetters: new ObservedLetters() }));
    expect(failure).toMatchObject({ name: 'GapError', report: { status: 'failed', written: 2 } });
    expect(stored).toEqual([1, 2]);
    expect(await cursorStore.cursor()).toEqual({ n: 2 });
  });
});
