import { mergeSources } from 'headwater';
import { expect, it, vi } from 'vitest';
import { numberOf } from '../support/observing.js';
import { counting, ReadSource, type TestEvent } from '../support/test-sources.js';

/** Numbers from 1, forever or to a last one, counting how many were asked for. */
function source(id: string, last: number, asked: { count: number } = { count: 0 }): ReadSource {
  return new ReadSource(
    async function* (self, { cursor, signal }) {
      for (let n = (cursor?.n ?? 0) + 1; n <= last; n += 1) {
        asked.count += 1;
        yield self.item(n);
      }
      if (last === 0) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
    { id },
  );
}

it('brings the events of all sources, those of each in order', async () => {
  const seen: string[] = [];
  for await (const event of mergeSources([source('a', 5), source('b', 3), source('c', 0 + 1)])) {
    seen.push(`${event.sourceid}${numberOf(event as TestEvent)}`);
  }
  for (const [id, last] of [
    ['a', 5],
    ['b', 3],
    ['c', 1],
  ] as const) {
    expect(seen.filter((one) => one.startsWith(id))).toEqual(
      Array.from({ length: last }, (_, index) => `${id}${index + 1}`),
    );
  }
});

it('asking for the next acknowledges the one in hand with its own source, break does not', async () => {
  const [a, b] = [source('a', 100), source('b', 100)];
  const taken = { a: 0, b: 0 };
  let last = '';
  for await (const event of mergeSources([a, b])) {
    last = event.sourceid;
    taken[last as 'a' | 'b'] += 1;
    if (taken.a + taken.b === 21) break;
  }
  taken[last as 'a' | 'b'] -= 1;
  expect([a.getCursor()?.n ?? 0, b.getCursor()?.n ?? 0]).toEqual([taken.a, taken.b]);
  const again: string[] = [];
  for await (const event of mergeSources([a, b], { limit: 300 }))
    again.push(`${event.sourceid}${numberOf(event as TestEvent)}`);
  expect(again).toHaveLength(200 - taken.a - taken.b);
  expect(again).toContain(`a${taken.a + 1}`);
});

it('a busy source does not keep a quiet one from its turn, and none runs ahead', async () => {
  const asked = { count: 0 };
  const seen: string[] = [];
  for await (const event of mergeSources([source('busy', 1_000, asked), source('quiet', 3)])) {
    seen.push(event.sourceid);
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked.count).toBeLessThanOrEqual(seen.filter((id) => id === 'busy').length + 1);
    if (seen.length === 20) break;
  }
  expect(seen.slice(0, 8).filter((id) => id === 'quiet')).toHaveLength(3);
});

it('limit counts over all of them, the last one acknowledged', async () => {
  const [a, b] = [source('a', 10), source('b', 10)];
  let events = 0;
  for await (const _event of mergeSources([a, b], { limit: 5 })) events += 1;
  expect(events).toBe(5);
  expect((a.getCursor()?.n ?? 0) + (b.getCursor()?.n ?? 0)).toBe(5);
});

it('a source that fails ends all, after the event in hand, and the others let go', async () => {
  const released = vi.fn();
  const other = new ReadSource(
    async function* (self, { cursor, defer }) {
      defer(released);
      for (let n = (cursor?.n ?? 0) + 1; ; n += 1) yield self.item(n);
    },
    { id: 'other' },
  );
  const failing = new ReadSource(
    async function* (self) {
      yield self.item(1);
      throw new Error('upstream is gone');
    },
    { id: 'failing' },
  );
  const seen: string[] = [];
  const running = (async () => {
    for await (const event of mergeSources([failing, other])) seen.push(event.sourceid);
  })();
  await expect(running).rejects.toThrow('upstream is gone');
  expect(failing.getCursor()).toEqual({ n: 1 });
  expect(other.getCursor()?.n ?? 0).toBe(seen.filter((id) => id === 'other').length);
  expect(released).toHaveBeenCalledTimes(1);
});

it('abort ends it at once, also while all of them wait', async () => {
  const controller = new AbortController();
  const merged = mergeSources([source('a', 0), source('b', 0)], { signal: controller.signal, follow: true });
  const pending = merged.next();
  controller.abort(new Error('enough'));
  await expect(pending).rejects.toThrow('enough');
  expect(await merged.next()).toEqual({ value: undefined, done: true });
});

it('return ends a pending next', async () => {
  const merged = mergeSources([source('a', 0)]);
  const pending = merged.next();
  await new Promise((resolve) => setImmediate(resolve));
  expect(await merged.return()).toEqual({ value: undefined, done: true });
  expect(await pending).toEqual({ value: undefined, done: true });
});

it('of no sources there are no events, and one that is there twice is refused', async () => {
  expect(await mergeSources([]).next()).toEqual({ value: undefined, done: true });
  const one = counting(3);
  expect(() => mergeSources([one, one])).toThrow(expect.objectContaining({ name: 'ConfigError' }));
});

it('acknowledge: false looks and moves nothing', async () => {
  const [a, b] = [source('a', 3), source('b', 3)];
  let events = 0;
  for await (const _event of mergeSources([a, b], { acknowledge: false })) events += 1;
  expect([events, a.getCursor(), b.getCursor()]).toEqual([6, undefined, undefined]);
});
