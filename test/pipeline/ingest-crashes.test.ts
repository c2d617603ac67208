import fc from 'fast-check';
import { FatalError, ingest, MemoryCursorStore } from 'headwater';
import { expect, it } from 'vitest';
import { onFaultPoint } from '../cursors/scratch.js';
import { Database, DatabaseCursorStore } from '../support/database.js';
import { storing } from '../support/in-sink.js';
import { atOnce, failureOf, numbersOf, ObservedLetters, ObservedStore } from '../support/ingesting.js';
import { range } from '../support/observing.js';
import { pages, type TestEvent } from '../support/test-sources.js';

const LAST = 6;

/** What becomes of a step of the database. A killed process does nothing more, whatever it tries. */
type Fate = 'done' | 'fails' | 'killed';

/** Runs again and again, with the fates given for the steps to come, until a run gets through. */
async function runToTheEnd(database: Database, fates: readonly Fate[], deadLetters?: ObservedLetters): Promise<void> {
  const left = [...fates];
  for (let runs = 0; ; runs += 1) {
    let isKilled = false;
    database.onStep = () => {
      const fate = isKilled ? 'killed' : left.shift();
      isKilled = fate === 'killed';
      if (isKilled) throw new FatalError('killed');
      if (fate === 'fails') throw new Error('failed');
    };
    const report = await ingest({
      source: pages(LAST, 3),
      sink: storing(database),
      cursorStore: new DatabaseCursorStore(database),
      cursor: 'in-sink',
      batch: { maxEvents: 3 },
      retry: { ...atOnce, retries: 1 },
      deadLetters,
      maxDeadLetterRatio: 1,
    }).catch(() => undefined);
    if (report !== undefined) return;
    if (runs > fates.length) throw new Error('does not get through');
  }
}

it('CU6: killed at every step, and at every step after that, the sum of effects is exactly once', async () => {
  for (let first = 0; first < 16; first += 1) {
    for (let second = 0; second < 16; second += 1) {
      const database = new Database();
      const wait = (steps: number): Fate[] => Array.from({ length: steps }, () => 'done');
      await runToTheEnd(database, [...wait(first), 'killed', ...wait(second), 'killed']);
      expect(database.effects).toEqual(range(1, LAST));
      expect(database.cursor()).toEqual({ n: LAST });
    }
  }
});

const fates = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Fate>('done') },
    fc.constant<Fate>('fails'),
    fc.constant<Fate>('killed'),
  ),
  { maxLength: 60 },
);

it('CU6: whatever fails or is killed, the sum of effects is exactly once', async () => {
  await fc.assert(
    fc.asyncProperty(fates, async (sequence) => {
      const database = new Database();
      await runToTheEnd(database, sequence);
      expect(database.effects).toEqual(range(1, LAST));
      expect(database.cursor()).toEqual({ n: LAST });
    }),
    { numRuns: 500 },
  );
});

it('CU6: with dead letters every event is stored once or in the letters, and never stored twice', async () => {
  await fc.assert(
    fc.asyncProperty(fates, async (sequence) => {
      const database = new Database();
      const deadLetters = new ObservedLetters();
      await runToTheEnd(database, sequence, deadLetters);
      expect(new Set(database.effects).size).toBe(database.effects.length);
      const everywhere = new Set([...database.effects, ...(await deadLetters.numbers())]);
      expect([...everywhere].sort()).toEqual(range(1, LAST));
      expect(database.cursor()).toEqual({ n: LAST });
    }),
    { numRuns: 500 },
  );
});

it('CU7: killed between sink and cursor, only the last batch comes again, with the same ids', async () => {
  for (const failing of [1, 2, 3, 4]) {
    const store = new MemoryCursorStore();
    const runs: string[][][] = [];
    const run = () => {
      const batches: string[][] = [];
      runs.push(batches);
      const sink = (batch: { events: readonly TestEvent[] }): void =>
        void batches.push(batch.events.map(({ id }) => id));
      return ingest({ source: pages(8, 2), sink, cursorStore: store, batch: { maxEvents: 2 } });
    };
    let saves = 0;
    onFaultPoint((name) => {
      if (name === 'cursor.before' && ++saves === failing) throw new FatalError('killed');
    });
    await failureOf(run());
    expect(await run()).toMatchObject({ status: 'completed' });
    const [first = [], second = []] = runs;
    expect(first).toHaveLength(failing);
    expect(second[0]).toEqual(first.at(-1));
    expect([...first.slice(0, -1), ...second].flat().map(Number)).toEqual(range(1, 8));
  }
});

it('X1: killed at any fault point, the union of both runs is complete and only the batch in flight repeats', async () => {
  const points: string[] = [];
  const run = (store: ObservedStore, seen: number[]) =>
    ingest({
      source: pages(9, 3),
      cursorStore: store,
      batch: { maxEvents: 3 },
      sink: (batch) => void seen.push(...(numbersOf(batch) as number[])),
    });
  onFaultPoint((name) => void points.push(name));
  await run(new ObservedStore(), []);
  expect(new Set(points)).toEqual(
    new Set(['read.before', 'read.after', 'sink.before', 'sink.after', 'cursor.before', 'cursor.after']),
  );
  const count = points.length;
  for (let killed = 1; killed <= count; killed += 1) {
    const store = new ObservedStore();
    const first: number[] = [];
    const second: number[] = [];
    let passed = 0;
    onFaultPoint(() => {
      if (++passed >= killed && passed <= count) throw new FatalError('killed');
    });
    await failureOf(run(store, first));
    passed = count;
    await run(store, second);
    const repeated = first.filter((n) => second.includes(n));
    expect(repeated.length).toBeLessThanOrEqual(3);
    expect([...new Set([...first, ...second])]).toEqual(range(1, 9));
    expect(await store.cursor()).toEqual({ n: 9 });
  }
});

it('CU10: the cursor is flushed when the run is over', async () => {
  const store = new ObservedStore();
  const source = pages(5, 2);
  await ingest({ source, sink: () => {}, cursorStore: store, batch: { maxEvents: 2 } });
  expect(await store.cursor()).toEqual({ n: 5 });
  expect(source.getCursor()).toEqual({ n: 5 });
});
