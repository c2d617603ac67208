import { describe, expect, it } from 'vitest';
import { afterTurns, numberOf, take, turns } from '../support/observing.js';
import { counting, hanging, pages, ReadSource } from '../support/test-sources.js';

describe('close()', () => {
  it('settles a pending next() at once although upstream never answers, and is idempotent', async () => {
    const source = hanging();
    const pending = source.generateEvents().next();
    await turns(3);
    const closed = Promise.all([source.close(), source.close()]);
    expect(await afterTurns(pending)).toEqual({ value: { value: undefined, done: true } });
    expect(await afterTurns(closed)).toEqual({ value: [undefined, undefined] });
    expect(source.getStatus()).toEqual({ state: 'closed' });
  });

  it('ends the iteration after the event in hand, which the following next() acknowledges', async () => {
    const source = counting(1_000_000);
    const events = source.generateEvents();
    await events.next();
    await events.next();
    expect(await afterTurns(source.close())).toEqual({ value: undefined });
    expect(source.getCursor()).toEqual({ n: 1 });
    expect(await events.next()).toEqual({ value: undefined, done: true });
    expect(source.getCursor()).toEqual({ n: 2 });
  });

  it('hands out nothing more of a page that was read already', async () => {
    const source = pages(10, 10);
    const seen: unknown[] = [];
    for await (const event of source.generateEvents()) {
      seen.push(numberOf(event));
      if (seen.length === 4) await source.close();
    }
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(source.getCursor()).toEqual({ n: 4 });
  });

  it('is the graceful way: await source.close(); await running', async () => {
    const source = new ReadSource(async function* (self, { signal }) {
      for (let n = 1; !signal.aborted; n += 1) {
        yield self.item(n);
        await turns(1);
      }
    });
    const taken: unknown[] = [];
    const running = (async () => {
      for await (const event of source.generateEvents({ follow: true })) taken.push(numberOf(event));
    })();
    await turns(20);
    await source.close();
    await running;
    expect(source.getCursor()).toEqual({ n: taken.length });
  });

  it('lets nothing begin afterwards', async () => {
    const source = counting(3);
    await source.close();
    expect(await take(source.generateEvents())).toEqual([]);
    expect(source.getStatus()).toEqual({ state: 'closed' });
  });

  it('AG9: await using closes the source when the body throws, and the error of the body is the one thrown', async () => {
    let closed = false;
    const source = counting(3);
    const original = source.close.bind(source);
    source.close = async () => {
      closed = true;
      await original();
    };
    const body = async () => {
      await using opened = source;
      for await (const _ of opened.generateEvents()) throw new Error('the body failed');
    };
    await expect(body()).rejects.toThrow('the body failed');
    expect(closed).toBe(true);
    expect(source.getStatus()).toEqual({ state: 'closed' });
  });
});
