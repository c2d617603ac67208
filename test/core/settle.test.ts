import { FakeClock } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { afterTurns, numberOf, take, turns } from '../support/observing.js';
import { BatchSource, never, type TestBatch, type TestOptions } from '../support/test-sources.js';

interface Call {
  batch: number;
  acknowledged: number;
  final: boolean;
  error?: unknown;
}

interface Settling extends TestOptions {
  /** What a settle call does besides being recorded. */
  onSettle?(call: Call): void | Promise<void>;
  /** Before the batch with this number (from 0) is yielded. */
  before?(batch: number): void | Promise<void>;
  cursorAt?: boolean;
}

/** Batches of so many events each, without a cursor of their own, as a broker has them; what settle hears is recorded. */
function settling(sizes: readonly number[], { onSettle, before, cursorAt, ...options }: Settling = {}) {
  const calls: Call[] = [];
  const steps: string[] = [];
  let running = 0;
  let first = 1;
  const source = new BatchSource(async function* (self, { defer }) {
    first = 1;
    defer(() => {
      steps.push(`deferred after ${calls.length} calls`);
    });
    for (const [batch, size] of sizes.entries()) {
      await before?.(batch);
      const from = first;
      first += size;
      const yielded: TestBatch = {
        events: self.items(from, from + size - 1),
        settle: async (acknowledged, outcome) => {
          expect(running).toBe(0);
          running += 1;
          const call = { batch, acknowledged, ...outcome };
          calls.push(call);
          try {
            await onSettle?.(call);
            await turns(2);
          } finally {
            running -= 1;
          }
        },
      };
      if (cursorAt === true) yielded.cursorAt = (count) => ({ n: from - 1 + count });
      yield yielded;
    }
  }, options);
  return { source, calls, steps };
}

it('is called in order, one at a time, progressively, and for the last time once', async () => {
  const { source, calls, steps } = settling([3, 2]);
  for await (const _ of source.generateEvents()) await turns(4);
  expect(calls).toEqual([
    { batch: 0, acknowledged: 1, final: false },
    { batch: 0, acknowledged: 2, final: false },
    { batch: 0, acknowledged: 3, final: true },
    { batch: 1, acknowledged: 1, final: false },
    { batch: 1, acknowledged: 2, final: true },
  ]);
  expect(steps).toEqual(['deferred after 5 calls']);
});

it('melts calls that had to wait into one', async () => {
  const { source, calls } = settling([1000]);
  await take(source.generateEvents());
  expect(calls.length).toBeLessThan(1000);
  expect(calls.at(-1)).toEqual({ batch: 0, acknowledged: 1000, final: true });
  expect(calls.filter(({ final }) => final)).toHaveLength(1);
  const counts = calls.map(({ acknowledged }) => acknowledged);
  expect(counts).toEqual([...counts].sort((left, right) => left - right));
});

it('hears on break what was acknowledged of the batch in hand, for the last time', async () => {
  const { source, calls, steps } = settling([3, 2]);
  await take(source.generateEvents(), 2);
  expect(calls.at(-1)).toEqual({ batch: 0, acknowledged: 1, final: true });
  expect(calls.filter(({ final }) => final)).toHaveLength(1);
  expect(steps).toEqual([`deferred after ${calls.length} calls`]);
});

it('hears the error that is thrown into the iterator', async () => {
  const { source, calls } = settling([3]);
  const events = source.generateEvents();
  await events.next();
  await expect(events.throw(new Error('cannot be stored'))).rejects.toThrow('cannot be stored');
  expect(calls).toEqual([{ batch: 0, acknowledged: 0, final: true, error: new Error('cannot be stored') }]);
});

it('hears the error that a batch is rejected with; what follows is not acknowledged', async () => {
  const { source, calls, steps } = settling([2, 2, 2]);
  const batches = source.generateBatches({ settlement: 'explicit' });
  const [first, second, third] = [await batches.next(), await batches.next(), await batches.next()];
  await third.value?.ack();
  await second.value?.reject(new Error('poison'));
  await turns(5);
  expect(calls).toEqual([]);
  await first.value?.ack();
  await turns(10);
  expect(calls).toEqual([
    { batch: 0, acknowledged: 2, final: true },
    { batch: 1, acknowledged: 0, final: true, error: new Error('poison') },
  ]);
  expect(steps).toEqual([]);
  await batches.return();
  expect(calls.slice(2)).toEqual([{ batch: 2, acknowledged: 0, final: true }]);
  expect(steps).toEqual(['deferred after 3 calls']);
});

it('a batch of one event is settled once', async () => {
  const { source, calls } = settling([1, 1]);
  await take(source.generateEvents());
  expect(calls).toEqual([
    { batch: 0, acknowledged: 1, final: true },
    { batch: 1, acknowledged: 1, final: true },
  ]);
});

it('a batch without events is settled too', async () => {
  const { source, calls } = settling([0, 1, 0]);
  await take(source.generateEvents());
  expect(calls).toEqual([
    { batch: 0, acknowledged: 0, final: true },
    { batch: 1, acknowledged: 1, final: true },
    { batch: 2, acknowledged: 0, final: true },
  ]);
});

it('readBatches is resumed, and may end, before earlier batches are settled', async () => {
  let ended = false;
  const source = new BatchSource(async function* (self) {
    yield { events: self.items(1, 1), settle: () => settled.push(1) as unknown as undefined };
    yield { events: self.items(2, 2), settle: () => settled.push(2) as unknown as undefined };
    ended = true;
  });
  const settled: number[] = [];
  const batches = source.generateBatches({ settlement: 'explicit' });
  const [first, second] = [await batches.next(), await batches.next()];
  expect(await batches.next()).toEqual({ value: undefined, done: true });
  expect(ended).toBe(true);
  await second.value?.ack();
  expect(settled).toEqual([]);
  await first.value?.ack();
  await turns();
  expect(settled).toEqual([1, 2]);
});

it('batches do not pile up where upstream is slower to be told than the consumer is', async () => {
  let told = 0;
  let ahead = 0;
  const { source, calls } = settling(Array(100).fill(1), {
    onSettle: async () => {
      await turns(20);
      told += 1;
    },
    before: (batch) => {
      ahead = Math.max(ahead, batch - told);
    },
  });
  expect(await take(source.generateEvents())).toHaveLength(100);
  expect(calls).toHaveLength(100);
  expect(ahead).toBeGreaterThan(3);
  expect(ahead).toBeLessThan(12);
});

it('an abort ends the wait for an upstream that is never told', async () => {
  const stop = new AbortController();
  const clock = new FakeClock();
  const { source } = settling(Array(100).fill(1), { onSettle: never, clock });
  const read = take(source.generateEvents({ signal: stop.signal })).catch((error: unknown) => error);
  await turns(200);
  stop.abort('enough');
  await turns();
  await clock.advance(5_000);
  expect(await read).toBe('enough');
});

it('what is deferred runs after the last settle, also when batches are settled after the end was told', async () => {
  const { source, calls, steps } = settling([1, 1]);
  const batches = source.generateBatches({ settlement: 'explicit' });
  const [first, second] = [await batches.next(), await batches.next()];
  expect((await batches.next()).done).toBe(true);
  await turns();
  expect(steps).toEqual([]);
  await second.value?.ack();
  await first.value?.ack();
  await turns(30);
  expect(calls.map(({ batch, final }) => [batch, final])).toEqual([
    [0, true],
    [1, true],
  ]);
  expect(steps).toEqual(['deferred after 2 calls']);
});

it('a settle that rejects fails the iteration, and the batch behind it is still told', async () => {
  const onSettle = ({ batch }: Call) => {
    if (batch === 0) throw new Error('upstream refused');
  };
  const { source, calls, steps } = settling([1, 1, 1], { onSettle });
  await expect(take(source.generateEvents())).rejects.toThrow('upstream refused');
  expect(calls[0]).toEqual({ batch: 0, acknowledged: 1, final: true });
  expect(calls.filter(({ final }) => final).map(({ batch }) => batch)).toEqual([0, 1]);
  expect(steps).toHaveLength(1);
  expect(source.getStatus().state).toBe('failed');
});

it('a settle that rejects on break rejects the break; on a throw the error of the body wins', async () => {
  const onSettle = () => {
    throw new Error('upstream refused');
  };
  await expect(take(settling([3], { onSettle }).source.generateEvents(), 1)).rejects.toThrow('upstream refused');
  const body = async () => {
    for await (const _ of settling([3], { onSettle }).source.generateEvents()) throw new Error('the body failed');
  };
  await expect(body()).rejects.toThrow('the body failed');
});

it('a batch that comes after the iteration was stopped is told that nothing of it was acknowledged', async () => {
  let letGo = (): void => {};
  const before = (batch: number) =>
    batch === 1
      ? new Promise<void>((resolve) => {
          letGo = resolve;
        })
      : undefined;
  const { source, calls, steps } = settling([1, 1], { before });
  const events = source.generateEvents();
  await events.next();
  const pending = events.next();
  await turns();
  const returned = events.return();
  expect(await afterTurns(pending)).toEqual({ value: { value: undefined, done: true } });
  letGo();
  await returned;
  await turns();
  expect(calls).toEqual([
    { batch: 0, acknowledged: 1, final: true },
    { batch: 1, acknowledged: 0, final: true },
  ]);
  expect(steps).toEqual(['deferred after 2 calls']);
});

it('a batch that comes after the iteration was given up on for good is told so too', async () => {
  const clock = new FakeClock();
  let letGo = (): void => {};
  const before = (batch: number) =>
    batch === 1
      ? new Promise<void>((resolve) => {
          letGo = resolve;
        })
      : undefined;
  const { source, calls } = settling([1, 1], { before, clock });
  const events = source.generateEvents();
  await events.next();
  void events.next();
  await turns();
  const returned = events.return();
  await turns();
  await clock.advance(5_000);
  await clock.advance(5_000);
  await returned;
  letGo();
  await turns();
  expect(calls.at(-1)).toEqual({ batch: 1, acknowledged: 0, final: true });
});

it('a settle that hangs is waited for at most closeGraceMs', async () => {
  const clock = new FakeClock();
  const { source, steps } = settling([1], { onSettle: never, clock });
  const events = source.generateEvents();
  await events.next();
  const returned = events.return();
  expect(await afterTurns(returned)).toBe('pending');
  await clock.advance(5_000);
  await turns();
  expect(await afterTurns(returned)).toEqual({ value: { value: undefined, done: true } });
  expect(steps).toEqual(['deferred after 1 calls']);
});

describe('acknowledge: false', () => {
  it('settles nothing, moves nothing, and shows the same events and cursors', async () => {
    const { source, calls, steps } = settling([2, 2], { cursorAt: true });
    expect(await take(source.generateEvents({ acknowledge: false }))).toEqual([1, 2, 3, 4]);
    const cursors: unknown[] = [];
    for await (const batch of source.generateBatches({ acknowledge: false, maxEvents: 3 })) {
      cursors.push([batch.events.map(numberOf), batch.cursor]);
      await batch.ack();
    }
    expect(cursors).toEqual([
      [[1, 2, 3], { n: 3 }],
      [[4], { n: 4 }],
    ]);
    expect(calls).toEqual([]);
    expect(source.getCursor()).toBeUndefined();
    expect(source.getStats().acknowledged).toBe(0);
    expect(steps).toHaveLength(2);
  });
});
