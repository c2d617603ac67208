import { getEventListeners } from 'node:events';
import { FakeClock } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { afterTurns, latch, numberOf, range, take, turns } from '../support/observing.js';
import {
  BatchSource,
  counting,
  hanging,
  never,
  pages,
  ReadSource,
  ReceivingSource,
  type TestOptions,
} from '../support/test-sources.js';

/** Sources that never answer again, and what a consumer may wait for in them. */
const hangs: { name: string; open(signal?: AbortSignal): AsyncGenerator<unknown, void, undefined> }[] = [
  { name: 'generateEvents of read()', open: (signal?: AbortSignal) => hanging().generateEvents({ signal }) },
  {
    name: 'generateEvents of readBatches()',
    open: (signal?: AbortSignal) => hangingPages().generateEvents({ signal }),
  },
  {
    name: 'generateEvents with follow',
    open: (signal?: AbortSignal) => hanging().generateEvents({ signal, follow: true }),
  },
  { name: 'generateBatches of read()', open: (signal?: AbortSignal) => hanging().generateBatches({ signal }) },
  {
    name: 'generateBatches of readBatches()',
    open: (signal?: AbortSignal) => hangingPages().generateBatches({ signal, maxWaitMs: 60_000, maxEvents: 10 }),
  },
  {
    name: 'generateBatches with explicit settlement',
    open: (signal?: AbortSignal) => hangingPages().generateBatches({ signal, settlement: 'explicit' }),
  },
  { name: 'a push source', open: (signal?: AbortSignal) => new ReceivingSource().generateEvents({ signal }) },
];

describe.each(hangs)('$name', ({ open }) => {
  it('AG1: abort rejects a pending next() with signal.reason although upstream never answers', async () => {
    const controller = new AbortController();
    const iterator = open(controller.signal);
    const pending = iterator.next();
    await turns(3);
    controller.abort(new Error('enough'));
    expect(await afterTurns(pending)).toEqual({ error: new Error('enough') });
    expect(await afterTurns(iterator.next())).toEqual({ value: { value: undefined, done: true } });
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('AG1: abort in the same turn as next() rejects it', async () => {
    const controller = new AbortController();
    const pending = open(controller.signal).next();
    controller.abort('now');
    expect(await afterTurns(pending)).toEqual({ error: 'now' });
  });

  it('AG1: a signal that fired before rejects the first next()', async () => {
    expect(await afterTurns(open(AbortSignal.abort('before')).next())).toEqual({ error: 'before' });
  });

  it('AG2: return() during a pending next() settles both although upstream never answers', async () => {
    const iterator = open();
    const pending = iterator.next();
    await turns(3);
    const returned = iterator.return();
    expect(await afterTurns(pending)).toEqual({ value: { value: undefined, done: true } });
    expect(await afterTurns(returned)).toEqual({ value: { value: undefined, done: true } });
  });

  it('AG2: throw() during a pending next() settles both', async () => {
    const iterator = open();
    const pending = iterator.next();
    await turns(3);
    const thrown = afterTurns(iterator.throw(new Error('given up')));
    expect(await afterTurns(pending)).toEqual({ value: { value: undefined, done: true } });
    expect(await thrown).toEqual({ error: new Error('given up') });
  });

  it('AG3: return() before the first next() opens nothing; later calls are safe', async () => {
    const iterator = open();
    const done = { value: undefined, done: true };
    expect(await iterator.return()).toEqual(done);
    expect(await iterator.return()).toEqual(done);
    expect(await iterator.next()).toEqual(done);
    await expect(iterator.throw(new Error('late'))).rejects.toThrow('late');
  });
});

function hangingPages(): BatchSource {
  return new BatchSource(async function* () {
    yield await never();
  });
}

it('AG1: abort while the consumer holds an event: next() acknowledges it and rejects with the reason', async () => {
  const controller = new AbortController();
  const source = counting(5);
  const events = source.generateEvents({ signal: controller.signal });
  await events.next();
  await events.next();
  controller.abort('stop');
  await expect(events.next()).rejects.toBe('stop');
  expect(source.getCursor()).toEqual({ n: 2 });
  expect(await events.next()).toEqual({ value: undefined, done: true });
});

it('AG1: abort while an earlier iteration is still being cleaned up rejects at once; the next one still waits for it', async () => {
  const steps: string[] = [];
  const cleanup = latch();
  const source = new ReadSource(async function* (self, { cursor }) {
    steps.push(`open after ${cursor?.n ?? 0}`);
    try {
      yield self.item((cursor?.n ?? 0) + 1);
      yield self.item((cursor?.n ?? 0) + 2);
    } finally {
      await cleanup.opened;
      steps.push('cleaned up');
    }
  });
  const first = source.generateEvents();
  await first.next();
  await first.next();
  void first.return();
  const controller = new AbortController();
  const second = source.generateEvents({ signal: controller.signal }).next();
  await turns(3);
  controller.abort('not waiting');
  expect(await afterTurns(second)).toEqual({ error: 'not waiting' });
  const third = source.generateEvents();
  const pending = third.next();
  expect(await afterTurns(pending)).toBe('pending');
  expect(steps).toEqual(['open after 0']);
  cleanup.open();
  expect(numberOf((await pending).value as never)).toBe(2);
  expect(steps).toEqual(['open after 0', 'cleaned up', 'open after 1']);
  await third.return();
});

it('AG1: 1,000 iterations leave no listener on the signal', async () => {
  const { signal } = new AbortController();
  for (const create of [() => counting(2), () => pages(4, 2)]) {
    for (let count = 0; count < 250; count += 1) {
      await take(create().generateEvents({ signal }), count % 3);
      for await (const _ of create().generateBatches({ signal, maxWaitMs: 1, maxEvents: 10 })) if (count % 2) break;
    }
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

it('AG1: no timer is left after any way of ending', async () => {
  const clock = new FakeClock();
  await take(hanging(3, { clock }).generateEvents(), 2);
  await take(counting(3, { clock }).generateEvents({ until: new Date(3_600_000) }));
  for (const controller of [new AbortController(), new AbortController()]) {
    const batches = hangingAfter(1, { clock }).generateBatches({
      signal: controller.signal,
      maxEvents: 5,
      maxWaitMs: 3_600_000,
    });
    const pending = afterTurns(batches.next(), 5);
    await turns(2);
    controller.abort('over');
    expect(await pending).toEqual({ error: 'over' });
  }
  const followed = hanging(1, { clock }).generateEvents({ follow: true });
  await followed.next();
  const within = followed.nextWithin(10);
  await turns();
  await clock.advance(10);
  expect(await within).toBeUndefined();
  const returned = followed.return();
  await turns();
  await clock.advance(5_000);
  await clock.advance(5_000);
  await returned;
  await turns();
  expect(clock.sleeping).toBe(0);
});

function hangingAfter(count: number, options: TestOptions): BatchSource {
  return new BatchSource(async function* (source, { signal }) {
    yield { events: source.items(1, count), cursor: { n: count } };
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  }, options);
}

it('AG1: timers and I/O get their turn while a fast source is read, by event and by batch', async () => {
  for (const read of [
    (signal: AbortSignal) => counting(Number.POSITIVE_INFINITY).generateEvents({ signal }),
    (signal: AbortSignal) => pages(Number.MAX_SAFE_INTEGER, 100).generateEvents({ signal }),
    (signal: AbortSignal) => pages(Number.MAX_SAFE_INTEGER, 100).generateBatches({ signal }),
    (signal: AbortSignal) => pages(Number.MAX_SAFE_INTEGER, 100).generateBatches({ signal, maxEvents: 30 }),
  ]) {
    const controller = new AbortController();
    setImmediate(() => controller.abort('in time'));
    const consume = async () => {
      for await (const _ of read(controller.signal));
    };
    await expect(consume()).rejects.toBe('in time');
  }
});

it('AG3: return(), return() again, return() after the end and throw() are safe while iterating', async () => {
  const source = counting(3);
  const events = source.generateEvents();
  await events.next();
  expect(await Promise.all([events.return(), events.return()])).toEqual([
    { value: undefined, done: true },
    { value: undefined, done: true },
  ]);
  const rest = source.generateEvents();
  expect(await take(rest)).toEqual([1, 2, 3]);
  expect(await rest.return()).toEqual({ value: undefined, done: true });
  const thrown = source.generateEvents();
  await expect(thrown.throw(new Error('x'))).rejects.toThrow('x');
});

it('AG6: a source error comes after the good events, once, then the end; what was opened is released', async () => {
  const released: string[] = [];
  const source = new BatchSource(async function* (self, { defer }) {
    defer(() => {
      released.push('deferred');
    });
    try {
      yield { events: self.items(1, 3), cursor: { n: 3 } };
      throw new Error('upstream failed');
    } finally {
      released.push('finally');
    }
  });
  for (const open of [() => source.generateEvents(), () => source.generateBatches({ maxEvents: 10, maxWaitMs: 20 })]) {
    source.setCursor(undefined);
    released.length = 0;
    const iterator = open();
    let good = 0;
    let failure: unknown;
    try {
      for (;;) {
        const { value, done } = await iterator.next();
        if (done === true || value === undefined) break;
        good += 'events' in value ? value.events.length : 1;
      }
    } catch (error) {
      failure = error;
    }
    expect(good).toBe(3);
    expect(failure).toEqual(new Error('upstream failed'));
    expect(await iterator.next()).toEqual({ value: undefined, done: true });
    expect(released).toEqual(['finally', 'deferred']);
    expect(source.getCursor()).toEqual({ n: 3 });
    expect(source.getStatus()).toMatchObject({ state: 'failed', error: new Error('upstream failed') });
  }
});

it('a finished, broken, returned or aborted iteration runs finally of the source and what it deferred, last first', async () => {
  const steps: string[] = [];
  const source = new ReadSource(async function* (self, { defer }) {
    defer(() => {
      steps.push('first');
    });
    defer(async () => {
      await turns(2);
      steps.push('second');
    });
    try {
      for (let n = 1; n <= 3; n += 1) yield self.item(n);
    } finally {
      steps.push('finally');
    }
  });
  const expected = ['finally', 'second', 'first'];
  await take(source.generateEvents());
  expect(steps.splice(0)).toEqual(expected);
  await take(source.generateEvents(), 1);
  expect(steps.splice(0)).toEqual(expected);
  const controller = new AbortController();
  const events = source.generateEvents({ signal: controller.signal });
  await events.next();
  controller.abort('stop');
  await expect(events.next()).rejects.toBe('stop');
  await turns();
  expect(steps.splice(0)).toEqual(expected);
});

it('a cleanup that fails rejects return() on break, and never masks the error of the body', async () => {
  const source = new ReadSource(async function* (self, { defer }) {
    defer(() => {
      throw new Error('cleanup failed');
    });
    yield self.item(1);
    yield self.item(2);
  });
  await expect(take(source.generateEvents(), 1)).rejects.toThrow('cleanup failed');
  const body = async () => {
    for await (const _ of source.generateEvents()) throw new Error('the body failed');
  };
  await expect(body()).rejects.toThrow('the body failed');
  await expect(take(source.generateEvents())).rejects.toThrow('cleanup failed');
});

it('a second iteration at the same time rejects at its first next() and leaves the first alone', async () => {
  const source = counting(3);
  const first = source.generateEvents();
  await first.next();
  const second = source.generateEvents();
  await expect(second.next()).rejects.toMatchObject({ code: 'ITERATION_RUNNING' });
  expect(await second.next()).toEqual({ value: undefined, done: true });
  expect(await second.return()).toEqual({ value: undefined, done: true });
  await expect(source.generateBatches().next()).rejects.toMatchObject({ code: 'ITERATION_RUNNING' });
  expect(() => source.setCursor({ n: 1 })).toThrow(expect.objectContaining({ code: 'ITERATION_RUNNING' }));
  expect(await take(first)).toEqual([2, 3]);
  expect(source.getCursor()).toEqual({ n: 3 });
});

it('an iterator can be disposed of with await using', async () => {
  const source = counting(5);
  const body = async () => {
    await using events = source.generateEvents();
    await events.next();
  };
  await body();
  expect(await take(source.generateEvents())).toEqual(range(1, 5));
});

it('a source that does not let go is left behind after closeGraceMs, and what it yields later does no harm', async () => {
  const clock = new FakeClock();
  const latecomer = latch();
  let opened = 0;
  const source = new ReadSource(
    async function* (self, { cursor, state }) {
      opened += 1;
      try {
        yield self.item((cursor?.n ?? 0) + 1);
        yield self.item((cursor?.n ?? 0) + 2);
        yield self.item((cursor?.n ?? 0) + 3);
      } finally {
        if (opened === 1) {
          await latecomer.opened;
          state.set('late', true);
          yield self.item(99);
        }
      }
    },
    { clock },
  );
  const first = source.generateEvents();
  await first.next();
  await first.next();
  const returned = first.return();
  expect(await afterTurns(returned)).toBe('pending');
  await clock.advance(5_000);
  expect(await afterTurns(returned)).toEqual({ value: { value: undefined, done: true } });
  const second = source.generateEvents();
  expect(numberOf((await second.next()).value as never)).toBe(2);
  latecomer.open();
  await turns();
  expect(numberOf((await second.next()).value as never)).toBe(3);
  expect(source.getCursor()).toEqual({ n: 2 });
  await second.return();
  expect(source.getCursor()).toEqual({ n: 2 });
});

it('a new iteration goes on from the frontier when the old one was given up without being returned', async () => {
  const controller = new AbortController();
  const source = counting(5);
  const abandoned = source.generateEvents({ signal: controller.signal });
  await abandoned.next();
  await abandoned.next();
  controller.abort('gone');
  expect(await take(source.generateEvents())).toEqual([2, 3, 4, 5]);
  await expect(abandoned.next()).rejects.toBe('gone');
  expect(source.getCursor()).toEqual({ n: 5 });
});

it('a cursor that the host sets after an iteration was given up stays set', async () => {
  const controller = new AbortController();
  const source = counting(5);
  const abandoned = source.generateEvents({ signal: controller.signal });
  await abandoned.next();
  controller.abort('gone');
  source.setCursor({ n: 3 });
  await abandoned.return();
  expect(source.getCursor()).toEqual({ n: 3 });
  expect(await take(source.generateEvents())).toEqual([4, 5]);
});

it('says what it is doing', async () => {
  const clock = new FakeClock(1_000);
  const source = new ReadSource(
    async function* (self) {
      yield self.item(1);
      await never();
    },
    { clock },
  );
  expect(source.getStatus()).toEqual({ state: 'idle' });
  const events = source.generateEvents();
  await events.next();
  expect(source.getStatus()).toEqual({ state: 'blocked-by-consumer', since: new Date(1_000) });
  void events.next();
  await turns(2);
  expect(source.getStatus()).toEqual({ state: 'reading' });
  await events.return();
  expect(source.getStatus()).toEqual({ state: 'idle' });
});
