import { FakeClock } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { afterTurns, latch, numberOf, take, turns } from '../support/observing.js';
import { hanging, pages, ReadSource } from '../support/test-sources.js';

describe('nextWithin (AG10)', () => {
  it('gives undefined when none came in time, keeps the pending read and acknowledges nothing unseen', async () => {
    const clock = new FakeClock();
    const arrival = latch();
    const source = new ReadSource(
      async function* (self) {
        yield self.item(1);
        await arrival.opened;
        yield self.item(2);
        yield self.item(3);
      },
      { clock },
    );
    const events = source.generateEvents();
    await events.next();
    const waited = events.nextWithin(100);
    await turns();
    await clock.advance(100);
    expect(await waited).toBeUndefined();
    arrival.open();
    await turns();
    expect(source.getCursor()).toEqual({ n: 1 });
    const late = await events.next();
    expect(numberOf(late.value as never)).toBe(2);
    expect(source.getCursor()).toEqual({ n: 1 });
    expect(numberOf((await events.next()).value as never)).toBe(3);
    expect(source.getCursor()).toEqual({ n: 2 });
    await events.return();
  });

  it('gives what comes in time, again and again, and then the end', async () => {
    const source = pages(4, 3);
    const events = source.generateEvents();
    const seen: unknown[] = [];
    for (;;) {
      const result = await events.nextWithin(1_000);
      if (result === undefined || result.done === true) break;
      seen.push([numberOf(result.value), source.getCursor()?.n]);
    }
    expect(seen).toEqual([
      [1, undefined],
      [2, 1],
      [3, 2],
      [4, 3],
    ]);
    expect(source.getCursor()).toEqual({ n: 4 });
  });

  it('an event that came too late and was never asked for again is delivered again', async () => {
    const arrival = latch();
    const source = new ReadSource(async function* (self) {
      await arrival.opened;
      for (let n = 1; n <= 3; n += 1) yield self.item(n);
    });
    const events = source.generateEvents();
    expect(await events.nextWithin(1)).toBeUndefined();
    arrival.open();
    await turns();
    await events.return();
    expect(await take(source.generateEvents())).toEqual([1, 2, 3]);
  });

  it('rejects with the reason of an abort, and a kept read that nobody waits for does no harm', async () => {
    const controller = new AbortController();
    const events = hanging().generateEvents({ signal: controller.signal });
    expect(await events.nextWithin(1)).toBeUndefined();
    const waiting = afterTurns(events.nextWithin(60_000));
    await turns(2);
    controller.abort('stop');
    expect(await waiting).toEqual({ error: 'stop' });
    const other = new AbortController();
    const left = hanging().generateEvents({ signal: other.signal });
    expect(await left.nextWithin(1)).toBeUndefined();
    other.abort('nobody listens');
    await turns();
  });

  it('next() calls behind a kept read that is there already acknowledge nothing before it was seen', async () => {
    const arrival = latch();
    const source = new ReadSource(async function* (self) {
      await arrival.opened;
      for (let n = 1; n <= 4; n += 1) yield self.item(n);
    });
    const events = source.generateEvents();
    expect(await events.nextWithin(1)).toBeUndefined();
    arrival.open();
    await turns();
    const results = await Promise.all([events.next(), events.next()]);
    expect(results.map(({ value }) => numberOf(value as never))).toEqual([1, 2]);
    expect(source.getCursor()).toBeUndefined();
    await events.return();
  });
});
