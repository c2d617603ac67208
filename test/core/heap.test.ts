import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { EventSource } from 'headwater';
import { expect, it } from 'vitest';
import { BatchSource, ReadSource } from '../support/test-sources.js';

const PAGE = 1_000;

/** One page of prebuilt events, again and again; events are the garbage of nobody but the iterator. */
function paging(pagesLeft: number): BatchSource {
  return new BatchSource(async function* (source) {
    const events = source.items(1, PAGE);
    for (let page = 0; page < pagesLeft; page += 1)
      yield { events, cursor: { n: page }, settle: page % 7 === 0 ? () => {} : undefined } as never;
  });
}

function single(count: number): ReadSource {
  return new ReadSource(async function* (source) {
    for (let n = 0; n < count; n += 1) yield source.item(n);
  });
}

async function growth(
  create: (count: number) => EventSource,
  count: number,
  read: (source: EventSource) => Promise<void>,
) {
  const source = create(count);
  const before = heap();
  await read(source);
  return heap() - before;
}

async function byEvent(source: EventSource): Promise<void> {
  for await (const _ of source.generateEvents());
}

async function byBatch(source: EventSource): Promise<void> {
  for await (const _ of source.generateBatches({ maxEvents: 700 }));
}

async function looking(source: EventSource): Promise<void> {
  for await (const _ of source.generateEvents({ acknowledge: false }));
}

it('the heap does not grow with the number of events', { timeout: 60_000 }, async () => {
  const cases = [
    { create: (count: number) => paging(count / PAGE), count: 5_000_000, read: byEvent },
    { create: single, count: 1_000_000, read: byEvent },
    { create: (count: number) => paging(count / PAGE), count: 5_000_000, read: byBatch },
    { create: (count: number) => paging(count / PAGE), count: 5_000_000, read: looking },
  ];
  for (const { create, count, read } of cases) {
    await growth(create, count / 10, read);
    const few = await growth(create, count / 10, read);
    const many = await growth(create, count, read);
    expect(many - few).toBeLessThan(2 * 2 ** 20);
  }
});

function heap(): number {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
