import fc from 'fast-check';
import { ConfigError, FatalError, ingest } from 'headwater';
import { expect, it } from 'vitest';
import { failureOf, numbersOf, ObservedStore } from '../support/ingesting.js';
import { eventually, range, turns } from '../support/observing.js';
import { type ItemCursor, pages } from '../support/test-sources.js';

it('the frontier is contiguous and a saved cursor never beyond an unaccepted batch, whatever takes how long', async () => {
  const scenario = fc.record({
    batches: fc.integer({ min: 1, max: 12 }),
    size: fc.integer({ min: 1, max: 4 }),
    concurrency: fc.integer({ min: 1, max: 5 }),
    turns: fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 12, maxLength: 12 }),
    failing: fc.integer({ min: 0, max: 16 }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ batches, size, concurrency, turns: durations, failing }) => {
      const last = batches * size;
      const store = new ObservedStore();
      const accepted = new Set<number>();
      let inSink = 0;
      let most = 0;
      let fails = true;
      store.beforeSave = ({ cursor }) => {
        for (const n of range(1, (cursor as ItemCursor).n)) expect(accepted).toContain(n);
      };
      const run = () =>
        ingest({
          source: pages(last, size),
          cursorStore: store,
          concurrency,
          batch: { maxEvents: size },
          sink: async (batch) => {
            const numbers = numbersOf(batch) as number[];
            const index = ((numbers[0] ?? 1) - 1) / size;
            inSink += 1;
            most = Math.max(most, inSink);
            await turns(durations[index] ?? 0);
            inSink -= 1;
            if (fails && index === failing) throw new FatalError('no');
            for (const n of numbers) accepted.add(n);
          },
        });
      if (failing < batches) {
        const failure = await failureOf(run());
        expect(failure).toMatchObject({ name: 'FatalError', report: { status: 'failed', batches: failing } });
        // What began before the failing batch is committed, nothing behind it.
        expect(await store.cursor()).toEqual(failing === 0 ? undefined : { n: failing * size });
        fails = false;
      }
      const report = await run();
      expect(report).toMatchObject({ status: 'completed', cursorAfter: { n: last } });
      expect([...accepted].sort((a, b) => a - b)).toEqual(range(1, last));
      expect(await store.cursor()).toEqual({ n: last });
      expect(most).toBeLessThanOrEqual(concurrency);
    }),
    { numRuns: 60 },
  );
});

it('as many batches as allowed are in the sink at once, and no more are read', async () => {
  const waiting: (() => void)[] = [];
  let most = 0;
  const running = ingest({
    source: pages(10, 1),
    concurrency: 3,
    batch: { maxEvents: 1 },
    sink: () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve);
        most = Math.max(most, waiting.length);
      }),
  });
  await eventually(() => waiting.length === 3);
  await turns();
  expect(most).toBe(3);
  for (let left = 10; left > 0; left -= 1) {
    await eventually(() => waiting.length > 0);
    waiting.pop()?.();
    await turns(3);
  }
  expect(await running).toMatchObject({ written: 10 });
  expect(most).toBe(3);
});

it('a save that fails for good leaves everything behind it unsaved', async () => {
  const store = new ObservedStore();
  store.beforeSave = ({ cursor }) => {
    if ((cursor as ItemCursor).n === 2) throw new FatalError('no');
  };
  const settled: number[] = [];
  const failure = await failureOf(
    ingest({
      source: pages(8, 1),
      cursorStore: store,
      concurrency: 4,
      batch: { maxEvents: 1 },
      sink: (batch) => void settled.push(...(numbersOf(batch) as number[])),
    }),
  );
  expect(failure.report).toMatchObject({ status: 'failed', batches: 1, cursorAfter: { n: 1 } });
  expect(await store.cursor()).toEqual({ n: 1 });
});

it.each([0, -1, 1.5, Number.NaN])('concurrency %s is a ConfigError', async (concurrency) => {
  const failure = await failureOf(ingest({ source: pages(1, 1), sink: () => {}, concurrency }));
  expect(failure).toBeInstanceOf(ConfigError);
  expect((failure as unknown as ConfigError).problems[0]?.code).toBe('INVALID_CONCURRENCY');
});
