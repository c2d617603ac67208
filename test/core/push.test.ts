import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RetryableError } from 'headwater';
import { FakeClock } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { afterTurns, numberOf, take, turns } from '../support/observing.js';
import { ReceivingSource } from '../support/test-sources.js';

it('push resolves when the event is acknowledged, and not before', async () => {
  const source = new ReceivingSource();
  const pushed = source.receive(1);
  const events = source.generateEvents();
  expect(numberOf((await events.next()).value as never)).toBe(1);
  expect(await afterTurns(pushed)).toBe('pending');
  const second = events.next();
  expect(await afterTurns(pushed)).toEqual({ value: undefined });
  void source.receive(2);
  expect(numberOf((await second).value as never)).toBe(2);
  await source.close();
  expect((await events.next()).done).toBe(true);
});

it('AG4: what was handed out and not acknowledged comes again, in order, and is acknowledged then', async () => {
  const source = new ReceivingSource();
  const pushed = [1, 2, 3].map((n) => source.receive(n));
  expect(await take(source.generateEvents(), 2)).toEqual([1, 2]);
  expect(await afterTurns(Promise.all([pushed[0]]))).toEqual({ value: [undefined] });
  expect(await afterTurns(pushed[1] as Promise<void>)).toBe('pending');
  const batches = source.generateBatches();
  expect((await batches.next()).value?.events.map(numberOf)).toEqual([2, 3]);
  await source.close();
  await batches.next();
  expect(await afterTurns(Promise.all(pushed))).toEqual({ value: [undefined, undefined, undefined] });
});

it('a batch that is rejected is not acknowledged to the sender either', async () => {
  const source = new ReceivingSource();
  const pushed = [source.receive(1), source.receive(2)];
  const batches = source.generateBatches({ settlement: 'explicit', maxEvents: 1 });
  const [first, second] = [await batches.next(), await batches.next()];
  await first.value?.ack();
  await second.value?.reject(new Error('no'));
  expect(await afterTurns(pushed[0] as Promise<void>)).toEqual({ value: undefined });
  expect(await afterTurns(pushed[1] as Promise<void>)).toBe('pending');
  await batches.return();
  expect(await take(source.generateEvents(), 1)).toEqual([2]);
});

it('always follows, and refuses to be looked at without acknowledging', async () => {
  const source = new ReceivingSource();
  const events = source.generateEvents();
  const pending = events.next();
  expect(await afterTurns(pending)).toBe('pending');
  void source.receive(1);
  expect(await afterTurns(pending)).toMatchObject({ value: { done: false } });
  await events.return();
  await expect(source.generateEvents({ acknowledge: false }).next()).rejects.toMatchObject({
    code: 'ACKNOWLEDGE_REQUIRED',
  });
});

describe('AG5: when the queue is full', () => {
  it("'refuse' rejects the push with a RetryableError and takes in again when there is room", async () => {
    const source = new ReceivingSource({ maxEvents: 2, whenFull: 'refuse' });
    void source.receive(1);
    void source.receive(2);
    const failure = await source.receive(3).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RetryableError);
    expect(failure).toMatchObject({ code: 'QUEUE_FULL', sourceId: 'receiving' });
    expect(source.getStats().dropped).toEqual({});
    await take(source.generateEvents(), 2);
    void source.receive(4);
    expect(await take(source.generateEvents(), 2)).toEqual([2, 4]);
  });

  it("'wait' lets so many wait in order, and refuses beyond that", async () => {
    const source = new ReceivingSource({ maxEvents: 2, maxWaiting: 2, whenFull: 'wait' });
    const pushed = [1, 2, 3, 4].map((n) => source.receive(n));
    await expect(source.receive(5)).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    expect(await take(source.generateEvents(), 4)).toEqual([1, 2, 3, 4]);
    await source.close();
    expect((await Promise.allSettled(pushed)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
    ]);
  });

  it("'drop-newest' keeps the oldest, counts what is dropped and tells it by one gap event with the count", async () => {
    const clock = new FakeClock(1_000);
    const source = new ReceivingSource({ maxEvents: 2, whenFull: 'drop-newest' }, { clock });
    void source.receive(1);
    void source.receive(2);
    await expect(source.receive(3)).rejects.toMatchObject({ code: 'DROPPED' });
    await clock.advance(500);
    await expect(source.receive(4)).rejects.toMatchObject({ code: 'DROPPED' });
    expect(source.getStats().dropped).toEqual({ overflow: 2 });
    const events = source.generateEvents();
    const taken = [(await events.next()).value, (await events.next()).value, (await events.next()).value];
    expect(taken.map((event) => numberOf(event as never))).toEqual([1, 2, 'gap']);
    expect(taken[2]).toMatchObject({
      type: 'headwater.gap',
      data: { reason: 'overflow', count: 2, from: '1970-01-01T00:00:01.000Z', to: '1970-01-01T00:00:01.500Z' },
    });
    void source.receive(5);
    expect(numberOf((await events.next()).value as never)).toBe(5);
    await events.return();
  });

  it("'drop-oldest' keeps the newest and drops nothing that the consumer holds", async () => {
    for (const maxEvents of [1, 3]) {
      const source = new ReceivingSource({ maxEvents, whenFull: 'drop-oldest' });
      const pushed = [1, 2, 3, 4, 5, 6].map((n) => source.receive(n));
      for (const push of pushed) push.catch(() => {});
      const expected = [4, 5, 6].slice(-maxEvents);
      const events = source.generateEvents();
      const taken: unknown[] = [];
      for (let left = maxEvents + 1; left > 0; left -= 1) taken.push(numberOf((await events.next()).value as never));
      expect(taken.filter((n) => n !== 'gap')).toEqual(expected);
      expect(taken).toContain('gap');
      expect(source.getStats().dropped).toEqual({ overflow: 6 - maxEvents });
      await events.return();
    }
  });

  it("'drop-oldest' drops the new one where everything is in the consumer's hand", async () => {
    const source = new ReceivingSource({ maxEvents: 2, whenFull: 'drop-oldest' });
    void source.receive(1);
    void source.receive(2);
    const batches = source.generateBatches();
    expect((await batches.next()).value?.events.map(numberOf)).toEqual([1, 2]);
    await expect(source.receive(3)).rejects.toMatchObject({ code: 'DROPPED' });
    const next = await batches.next();
    expect(next.value?.events.map(numberOf)).toEqual(['gap']);
    expect(next.value?.events[0]?.data).toMatchObject({ count: 1 });
    await batches.return();
  });

  it('bytes are limited too, but one event always fits', async () => {
    const source = new ReceivingSource({ maxBytes: 1_000, maxEvents: 100 });
    void source.receive(1, { padding: 'x'.repeat(2_000) });
    await expect(source.receive(2)).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    const oldest = new ReceivingSource({ maxBytes: 1_000, maxEvents: 100, whenFull: 'drop-oldest' });
    oldest.receive(1).catch(() => {});
    void oldest.receive(2, { padding: 'x'.repeat(2_000) });
    expect((await take(oldest.generateEvents(), 2)).sort()).toEqual([2, 'gap']);
  });

  it('every drop is told once: the counts of all gap events are the number dropped', async () => {
    const source = new ReceivingSource({ maxEvents: 4, whenFull: 'drop-newest' });
    let gaps = 0;
    let received = 0;
    const events = source.generateEvents();
    for (let round = 0; round < 20; round += 1) {
      for (let n = 0; n < 9; n += 1) source.receive(n).catch(() => {});
      for (let n = 0; n < 3; n += 1) {
        const { value } = await events.next();
        if (value?.type === 'headwater.gap') gaps += value.data.count ?? 0;
        else received += 1;
      }
    }
    for (;;) {
      const result = await events.nextWithin(5);
      if (result === undefined || result.done === true) break;
      if (result.value.type === 'headwater.gap') gaps += result.value.data.count ?? 0;
      else received += 1;
    }
    expect(gaps).toBe(source.getStats().dropped['overflow']);
    expect(gaps + received).toBe(180);
    await events.return();
  });

  it('a fast sender and a slow consumer: the heap grows by less than 50 MiB', { timeout: 30_000 }, async () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    for (const [whenFull, count] of [
      ['refuse', 20_000],
      ['drop-newest', 100_000],
      ['drop-oldest', 100_000],
    ] as const) {
      const source = new ReceivingSource({ maxEvents: 1_000, maxBytes: 2 ** 20, whenFull });
      const events = source.generateEvents();
      collect();
      const before = process.memoryUsage().heapUsed;
      for (let n = 0; n < count; n += 1) {
        source.receive(n, { padding: 'some hundred bytes of data in every event '.repeat(4) }).catch(() => {});
        if (n % 10_000 === 0) await events.next();
      }
      collect();
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(50 * 2 ** 20);
      await events.return();
      await source.close();
    }
  });
});

describe('room', () => {
  it('is there at once while nothing waits, and else as soon as nothing does', async () => {
    const source = new ReceivingSource({ maxEvents: 1, whenFull: 'wait', maxWaiting: 5 });
    void source.receive(1);
    expect(await afterTurns(source.whenRoom())).toEqual({ value: undefined });
    void source.receive(2);
    void source.receive(3);
    const room = source.whenRoom();
    const events = source.generateEvents();
    await events.next();
    await events.next();
    expect(await afterTurns(room)).toBe('pending');
    await events.next();
    expect(await afterTurns(room)).toEqual({ value: undefined });
    await events.return();
    await source.close();
  });

  it('is told of when what waits is withdrawn, and when the source is closed', async () => {
    const source = new ReceivingSource({ maxEvents: 1, whenFull: 'wait', maxWaiting: 5 });
    const controller = new AbortController();
    void source.receive(1);
    void source.receive(2, { signal: controller.signal });
    const first = source.whenRoom();
    controller.abort('gone');
    expect(await afterTurns(first)).toEqual({ value: undefined });
    void source.receive(3);
    const second = source.whenRoom();
    await source.close();
    expect(await afterTurns(second)).toEqual({ value: undefined });
  });

  it('is waited for by one that asks to, beside others that are dropped', async () => {
    const source = new ReceivingSource({ maxEvents: 1, whenFull: 'drop-newest' });
    void source.receive(1);
    void source.receive(2, { whenFull: 'wait' });
    await expect(source.receive(3)).rejects.toMatchObject({ code: 'DROPPED' });
    expect(new Set(await take(source.generateEvents(), 3))).toEqual(new Set([1, 'gap', 2]));
    await source.close();
  });

  it('is given in the order of asking: a small event does not pass a large one that waits', async () => {
    const source = new ReceivingSource({ maxEvents: 10, maxBytes: 1_500, whenFull: 'wait', maxWaiting: 5 });
    void source.receive(1);
    void source.receive(2, { padding: 'x'.repeat(2_000) });
    void source.receive(3);
    expect(await take(source.generateEvents(), 3)).toEqual([1, 2, 3]);
    await source.close();
  });
});

it('what was lost before it became an event is counted with the rest', () => {
  const source = new ReceivingSource();
  source.lose('kernel', 3);
  source.lose('kernel');
  expect(source.getStats().dropped).toEqual({ kernel: 4 });
});

describe('a signal', () => {
  it('that fires before the event is handed out withdraws it', async () => {
    const source = new ReceivingSource();
    const controller = new AbortController();
    const pushed = source.receive(1, { signal: controller.signal });
    void source.receive(2);
    controller.abort('the sender went away');
    await expect(pushed).rejects.toBe('the sender went away');
    await expect(source.receive(3, { signal: controller.signal })).rejects.toBe('the sender went away');
    expect(await take(source.generateEvents(), 1)).toEqual([2]);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('that fires afterwards changes nothing', async () => {
    const source = new ReceivingSource();
    const controller = new AbortController();
    const pushed = source.receive(1, { signal: controller.signal });
    const events = source.generateEvents();
    await events.next();
    controller.abort('too late');
    expect(await afterTurns(pushed)).toBe('pending');
    void events.next();
    expect(await afterTurns(pushed)).toEqual({ value: undefined });
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    await source.close();
  });

  it('withdraws what was handed out and given back', async () => {
    const source = new ReceivingSource();
    const controller = new AbortController();
    const pushed = source.receive(1, { signal: controller.signal });
    await take(source.generateEvents(), 1);
    controller.abort('gone');
    expect(await afterTurns(pushed)).toEqual({ error: 'gone' });
    void source.receive(2);
    expect(await take(source.generateEvents(), 1)).toEqual([2]);
  });

  it('withdraws one that waits for room', async () => {
    const source = new ReceivingSource({ maxEvents: 1, whenFull: 'wait' });
    const controller = new AbortController();
    void source.receive(1);
    const waiting = source.receive(2, { signal: controller.signal });
    const after = source.receive(3);
    controller.abort('gone');
    await expect(waiting).rejects.toBe('gone');
    expect(await take(source.generateEvents(), 2)).toEqual([1, 3]);
    await source.close();
    await expect(after).rejects.toMatchObject({ code: 'SOURCE_CLOSED' });
  });
});

describe('close()', () => {
  it('rejects what was not handed out and everything that comes later', async () => {
    const source = new ReceivingSource();
    const pushed = source.receive(1);
    const closing = source.close();
    const late = source.receive(2);
    await expect(late).rejects.toMatchObject({ code: 'SOURCE_CLOSED' });
    await closing;
    await expect(pushed).rejects.toMatchObject({ code: 'SOURCE_CLOSED' });
    expect(await take(source.generateEvents())).toEqual([]);
  });

  it('leaves what the consumer holds to be acknowledged', async () => {
    const source = new ReceivingSource();
    const pushed = source.receive(1);
    const events = source.generateEvents();
    await events.next();
    await source.close();
    expect(await afterTurns(pushed)).toBe('pending');
    expect((await events.next()).done).toBe(true);
    expect(await afterTurns(pushed)).toEqual({ value: undefined });
  });

  it('rejects what the consumer holds and gives back', async () => {
    const source = new ReceivingSource();
    const pushed = source.receive(1);
    const events = source.generateEvents();
    await events.next();
    await source.close();
    await events.return();
    expect(await afterTurns(pushed)).toMatchObject({ error: { code: 'SOURCE_CLOSED' } });
  });

  it('rejects what was given back before', async () => {
    const source = new ReceivingSource();
    const pushed = source.receive(1);
    await take(source.generateEvents(), 1);
    await source.close();
    expect(await afterTurns(pushed)).toMatchObject({ error: { code: 'SOURCE_CLOSED' } });
  });
});

it('many iterations of one receiving source leave nothing behind', async () => {
  const source = new ReceivingSource();
  for (let n = 1; n <= 200; n += 1) {
    const pushed = source.receive(n);
    const events = source.generateEvents();
    await events.next();
    const more = events.next();
    await pushed;
    await events.return();
    expect((await more).done).toBe(true);
  }
  await turns();
  expect(source.getStats()).toMatchObject({ events: 200, acknowledged: 200 });
});
