import fc from 'fast-check';
import { FatalError, type IngestReport, ingest, SkippableError } from 'headwater';
import { FakeClock } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { atOnce, failureOf, numbersOf, ObservedLetters, ObservedStore } from '../support/ingesting.js';
import { numberOf } from '../support/observing.js';
import { counting, pages, ReadSource, type TestEvent } from '../support/test-sources.js';

type Kind = 'plain' | 'filtered' | 'untransformable' | 'poison' | 'gap';

describe('numbers', () => {
  it('add up: read = written + filtered + deadLettered, in every report', async () => {
    const kind = fc.oneof(
      { weight: 5, arbitrary: fc.constant<Kind>('plain') },
      ...(['filtered', 'untransformable', 'poison', 'gap'] as const).map((one) => fc.constant<Kind>(one)),
    );
    const scenario = fc.record({
      kinds: fc.array(kind, { maxLength: 30 }),
      maxEvents: fc.integer({ min: 1, max: 8 }),
      concurrency: fc.integer({ min: 1, max: 3 }),
      dryRun: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ kinds, maxEvents, concurrency, dryRun }) => {
        const deadLetters = new ObservedLetters();
        const progress: IngestReport[] = [];
        const source = new ReadSource(
          async function* (self) {
            for (const [n, one] of kinds.entries()) yield one === 'gap' ? self.hole(`${n}`, { n }) : self.item(n);
          },
          { onGap: 'emit' },
        );
        const report = await ingest({
          source,
          deadLetters,
          concurrency,
          dryRun,
          batch: { maxEvents },
          maxDeadLetterRatio: 1,
          onProgress: (one) => void progress.push(one),
          transform: (event): TestEvent | undefined => {
            const is = kinds[Number(numberOf(event))];
            if (is === 'untransformable') throw new Error('no');
            return is === 'filtered' ? undefined : event;
          },
          sink: (batch) => {
            if (numbersOf(batch).some((n) => n !== 'gap' && kinds[n] === 'poison')) throw new SkippableError('no');
          },
        });
        const count = (...wanted: Kind[]): number => kinds.filter((one) => wanted.includes(one)).length;
        expect(report).toMatchObject({
          read: kinds.length,
          filtered: count('filtered'),
          gaps: count('gap'),
          deadLettered: dryRun ? count('untransformable') : count('untransformable', 'poison'),
          written: dryRun ? 0 : count('plain', 'gap'),
          status: report.deadLettered + report.gaps > 0 ? 'partial' : 'completed',
        });
        if (!dryRun) expect(report.read).toBe(report.written + report.filtered + report.deadLettered);
        expect(await deadLetters.all()).toHaveLength(dryRun ? 0 : report.deadLettered);
        expect(progress).toHaveLength(report.batches);
        for (const one of progress) {
          expect(one).toMatchObject({ status: 'running', runId: report.runId });
          expect(one.finishedAt).toBeUndefined();
          expect(one.read).toBeGreaterThanOrEqual(one.written + one.filtered + one.deadLettered);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('says when and where, by the clock of the source', async () => {
    const clock = new FakeClock();
    const cursorStore = new ObservedStore();
    const startedAt = new Date(clock.now()).toISOString();
    await ingest({ source: counting(2, { clock }), sink: () => {}, cursorStore });
    const report = await ingest({
      source: counting(3, { clock }),
      cursorStore,
      sink: () => clock.advance(1_500),
    });
    expect(report).toEqual({
      runId: report.runId,
      sourceId: 'test',
      status: 'completed',
      read: 1,
      written: 1,
      filtered: 0,
      deadLettered: 0,
      gaps: 0,
      retries: 0,
      batches: 1,
      startedAt,
      finishedAt: new Date(clock.now()).toISOString(),
      cursorBefore: { n: 2 },
      cursorAfter: { n: 3 },
    });
  });
});

describe('onProgress', () => {
  it('is told after every batch, when it is saved', async () => {
    const cursorStore = new ObservedStore();
    const progress: unknown[] = [];
    await ingest({
      source: pages(5, 2),
      sink: () => {},
      cursorStore,
      batch: { maxEvents: 2 },
      onProgress: ({ status, read, written, batches, cursorAfter }) => {
        progress.push([status, read, written, batches, cursorAfter, cursorStore.saves.length]);
      },
    });
    expect(progress).toEqual([
      ['running', 2, 2, 1, { n: 2 }, 1],
      ['running', 4, 4, 2, { n: 4 }, 2],
      ['running', 5, 5, 3, { n: 5 }, 3],
    ]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no terminal');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('no terminal');
      },
    ],
  ])('that %s ends the run, with its batch saved and acknowledged', async (_, onProgress) => {
    const cursorStore = new ObservedStore();
    const source = pages(4, 2);
    const failure = await failureOf(
      ingest({ source, sink: () => {}, cursorStore, batch: { maxEvents: 2 }, onProgress }),
    );
    expect(failure).toMatchObject({
      message: 'no terminal',
      report: { status: 'failed', batches: 1, cursorAfter: { n: 2 } },
    });
    expect(await cursorStore.cursor()).toEqual({ n: 2 });
    expect(source.getCursor()).toEqual({ n: 2 });
  });

  it('cannot change the numbers', async () => {
    const report = await ingest({
      source: pages(2, 2),
      sink: () => {},
      onProgress: (progress) => {
        progress.read = 99;
      },
    });
    expect(report.read).toBe(2);
  });
});

describe('error.report', () => {
  const failWith = (error: unknown) => {
    const sink = async (): Promise<never> => {
      throw error;
    };
    return failureOf(ingest({ source: counting(2), sink, retry: { ...atOnce, retries: 0 } }));
  };
  const failInSource = (error: unknown) => {
    const source = new ReadSource(() => {
      throw error;
    });
    return failureOf(ingest({ source, sink: () => {} }));
  };

  it.each([
    ['an error of ours', new FatalError('no')],
    ['any other error', new Error('no')],
    ['a frozen error', Object.freeze(new FatalError('no'))],
    ['an error whose report is taken', Object.defineProperty(new FatalError('no'), 'report', { value: 'its own' })],
    ['text', 'no'],
    ['undefined', undefined],
    ['a symbol', Symbol('no')],
  ])('is there for %s', async (_, error) => {
    for (const failure of [await failWith(error), await failInSource(error)]) {
      expect(failure).toBeInstanceOf(Error);
      expect(failure.report).toMatchObject({ status: 'failed', sourceId: 'test', written: 0 });
      expect(failure.report.finishedAt).toBeDefined();
    }
  });

  it('an error that can carry it is the very one', async () => {
    const error = new FatalError('no');
    expect(await failInSource(error)).toBe(error);
  });

  it('of a frozen error is carried by one that has it as its cause', async () => {
    const error = Object.freeze(new FatalError('no'));
    expect((await failInSource(error)).cause).toBe(error);
  });

  it('is there when the store cannot be read', async () => {
    const cursorStore = new ObservedStore();
    cursorStore.load = () => Promise.reject(new FatalError('no store'));
    const failure = await failureOf(ingest({ source: counting(2), sink: () => {}, cursorStore }));
    expect(failure).toMatchObject({ message: 'no store', report: { status: 'failed', read: 0 } });
  });
});
