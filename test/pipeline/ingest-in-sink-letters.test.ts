import { ingest, SkippableError } from 'headwater';
import { expect, it } from 'vitest';
import { type DatabaseSink, setUp } from '../support/in-sink.js';
import { failureOf } from '../support/ingesting.js';
import { numberOf } from '../support/observing.js';
import { type ItemCursor, pages, ReadSource, type TestEvent } from '../support/test-sources.js';

it('a batch is split where the source knows the cursor in between, each part with its own', async () => {
  const { database, deadLetters, options } = setUp([3, 6]);
  const cursors: unknown[] = [];
  const sink: DatabaseSink = (batch) => {
    cursors.push([batch.events.length, batch.cursor?.n]);
    return options.sink(batch);
  };
  const report = await ingest({ ...options, sink, deadLetters, retry: { retries: 0 }, source: pages(8, 4) });
  expect(report).toMatchObject({ status: 'partial', written: 6, deadLettered: 2, cursorAfter: { n: 8 } });
  expect(database.effects).toEqual([1, 2, 4, 5, 7, 8]);
  expect(await deadLetters.numbers()).toEqual([3, 6]);
  expect(database.cursor()).toEqual({ n: 8 });
  expect(cursors.slice(0, 5)).toEqual([
    [4, 4],
    [2, 2],
    [2, 4],
    [1, 3],
    [1, 4],
  ]);
});

it('a batch whose cursor is only known at its end is refused to be split', async () => {
  const { database, deadLetters, options } = setUp([3]);
  const failure = await failureOf(ingest({ ...options, deadLetters, source: pages(4, 4, { cursorAt: false }) }));
  expect(failure).toMatchObject({ name: 'SinkError', code: 'UNCUTTABLE_BATCH', cause: { message: 'poison' } });
  expect(database.effects).toEqual([]);
  expect(await deadLetters.all()).toEqual([]);
  expect(database.cursor()).toBeUndefined();
});

it('of a transform need no splitting', async () => {
  const { database, deadLetters, options } = setUp();
  const source = pages(4, 4, { cursorAt: false });
  const report = await ingest({ ...options, deadLetters, source, transform: failingFor(2) });
  expect(report).toMatchObject({ written: 3, deadLettered: 1 });
  expect(database.effects).toEqual([1, 3, 4]);
  expect(await deadLetters.numbers()).toEqual([2]);
});

it.each([
  ['the sink', [2], undefined],
  ['the transform', [], failingFor(2)],
])('are in the store before the transaction that passes them is committed: %s', async (_, poisons, transform) => {
  const { database, deadLetters, options } = setUp(poisons);
  const kept: number[][] = [];
  database.onStep = async (step) => {
    if (step === 'commit.before') kept.push(await deadLetters.numbers());
  };
  await ingest({ ...options, deadLetters, transform, source: pages(4, 4) });
  expect(kept.at(-1)).toEqual([2]);
  expect(kept.length).toBeGreaterThan(0);
});

it.each([
  ['the sink', [2], undefined],
  ['the transform', [], failingFor(2)],
])('that cannot be kept leave the cursor before them, and come again: %s', async (_, poisons, transform) => {
  const { database, deadLetters, options } = setUp(poisons);
  deadLetters.beforeAdd = () => {
    throw new Error('disk full');
  };
  const run = () => ingest({ ...options, deadLetters, transform, maxDeadLetterRatio: 1, source: pages(4, 4) });
  const failure = await failureOf(run());
  expect(failure.message).toContain('disk full');
  expect(await deadLetters.all()).toEqual([]);
  expect((database.cursor() as ItemCursor | undefined)?.n ?? 0).toBeLessThan(2);
  deadLetters.beforeAdd = () => {};
  await run();
  expect(database.effects).toEqual([1, 3, 4]);
  expect(await deadLetters.numbers()).toEqual([2]);
});

it('a store of letters that fails for a while makes no letters of good events', async () => {
  const { database, deadLetters, options } = setUp();
  let tries = 0;
  deadLetters.beforeAdd = () => {
    tries += 1;
    if (tries < 5) throw new Error('disk full');
  };
  const run = () =>
    ingest({ ...options, deadLetters, maxDeadLetterRatio: 1, transform: failingFor(2), source: pages(4, 4) });
  await failureOf(run());
  await run();
  expect(await deadLetters.numbers()).toEqual([2]);
  expect(database.effects).toEqual([1, 3, 4]);
});

it.each([
  ['the sink', [1, 2, 3], undefined],
  ['the transform', [], failingFor(1, 2, 3)],
])('too many of them move nothing: %s', async (_, poisons, transform) => {
  const { database, deadLetters, options } = setUp(poisons);
  const failure = await failureOf(ingest({ ...options, deadLetters, transform, source: pages(4, 4) }));
  expect(failure).toMatchObject({ name: 'SinkError', code: 'TOO_MANY_DEAD_LETTERS' });
  expect(await deadLetters.all()).toEqual([]);
  expect(database.effects).toEqual([]);
  expect(database.cursor()).toBeUndefined();
});

it('a gap event that the sink refuses ends the run', async () => {
  const { database, deadLetters, options } = setUp(['gap']);
  const source = new ReadSource(
    async function* (self, { cursor }) {
      if (cursor === undefined) yield self.item(1);
      yield self.hole('lost', { n: 2 });
      yield self.item(3);
    },
    { onGap: 'emit' },
  );
  const failure = await failureOf(ingest({ ...options, deadLetters, maxDeadLetterRatio: 1, source }));
  expect(failure).toMatchObject({ name: 'SinkError', report: { gaps: 1, deadLettered: 0 } });
  expect(await deadLetters.all()).toEqual([]);
  expect(database.effects).toEqual([1]);
  expect(database.cursor()).toEqual({ n: 1 });
});

it('SkippableError needs no retries', async () => {
  const { database, deadLetters, options } = setUp();
  const sink: DatabaseSink = async (batch) => {
    if (batch.events.some((event) => numberOf(event) === 4)) throw new SkippableError('four');
    await options.sink(batch);
  };
  expect(await ingest({ ...options, sink, deadLetters, source: pages(4, 4) })).toMatchObject({ retries: 0 });
  expect(database.effects).toEqual([1, 2, 3]);
  expect(database.cursor()).toEqual({ n: 4 });
});

function failingFor(...numbers: number[]) {
  return (event: TestEvent): TestEvent => {
    if (numbers.includes(Number(numberOf(event)))) throw new Error('cannot be transformed');
    return event;
  };
}
