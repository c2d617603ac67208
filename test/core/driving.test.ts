import fc from 'fast-check';
import type { EventGenerator } from 'headwater';
import { expect, it } from 'vitest';
import { numberOf, range, take, turns } from '../support/observing.js';
import { BatchSource, ReadSource, type TestBatch, type TestEvent } from '../support/test-sources.js';

/** What a consumer may do with an iterator. */
type Step = { kind: 'next' | 'within' | 'look' | 'turn' } | { kind: 'burst'; count: number };

interface Plan {
  source: 'events' | 'batches' | 'settled batches';
  /** Sizes of batches; a `read()` source yields the events one by one. */
  sizes: number[];
  /** Whether a batch changes state; for a `read()` source, whether every event of it does. */
  changes: boolean[];
  slow: boolean[];
  limit: number | undefined;
  viaIterator: boolean;
  steps: Step[];
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Step>({ kind: 'next' }) },
  { weight: 2, arbitrary: fc.integer({ min: 2, max: 4 }).map((count): Step => ({ kind: 'burst', count })) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'within' }) },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: 'look' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'turn' }) },
);

const plans: fc.Arbitrary<Plan> = fc.record({
  source: fc.constantFrom('events' as const, 'batches' as const, 'settled batches' as const),
  sizes: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 6 }),
  changes: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
  slow: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
  limit: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
  viaIterator: fc.boolean(),
  steps: fc.array(steps, { maxLength: 14 }),
});

it('AG4, AG8: however an iterator is driven, order, frontier and state are what the rule says', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const { source, found } = create(plan);
      const total = sum(plan.sizes);
      const end = Math.min(total, plan.limit ?? total);
      const generator = source.generateEvents({ limit: plan.limit });
      const events: EventGenerator<TestEvent> = plan.viaIterator
        ? (generator[Symbol.asyncIterator]() as EventGenerator<TestEvent>)
        : generator;

      let handed = 0;
      let acknowledged = 0;
      let isOver = false;
      for (const step of plan.steps) {
        if (step.kind === 'turn') await turns(2);
        else if (step.kind !== 'look') {
          if (!isOver) acknowledged = handed;
          const calls = step.kind === 'burst' ? range(1, step.count).map(() => events.next()) : [one(events, step)];
          for (const result of await Promise.all(calls)) {
            if (result?.done === false) expect(numberOf(result.value)).toBe(++handed);
            else expect(handed).toBe(end);
            isOver ||= result?.done === true;
          }
        }
        expect(source.getCursor()?.n ?? 0).toBe(position(plan, acknowledged));
      }
      await events.return();
      const frontier = position(plan, acknowledged);
      expect(source.getCursor()?.n ?? 0).toBe(frontier);

      expect(await take(source.generateEvents())).toEqual(range(frontier + 1, total));
      expect(found.at(-1)).toEqual(stateAfter(plan, acknowledged));
    }),
    { numRuns: 500 },
  );
});

async function one(events: EventGenerator<TestEvent>, { kind }: Step) {
  return kind === 'within' ? events.nextWithin(10_000) : events.next();
}

function create({ source: kind, sizes, changes, slow }: Plan) {
  /** The state that each iteration found when it began. */
  const found: string[][] = [];
  const look = async (entries: AsyncIterable<[string, unknown]>) => {
    const keys: string[] = [];
    for await (const [key] of entries) keys.push(key);
    found.push(keys.sort());
  };
  if (kind === 'events') {
    const source = new ReadSource(async function* (self, { cursor, state }) {
      await look(state.entries());
      for (const [index, { from, to }] of spans(sizes).entries()) {
        for (let n = from; n <= to; n += 1) {
          if (n <= (cursor?.n ?? 0)) continue;
          if (slow[index] === true) await turns(1);
          if (changes[index] === true) state.set(`event ${n}`, true);
          yield self.item(n);
        }
      }
    });
    return { source, found };
  }
  const source = new BatchSource(async function* (self, { cursor, state }) {
    await look(state.entries());
    const start = cursor?.n ?? 0;
    for (const [index, { from, to }] of spans(sizes).entries()) {
      if (to <= start) continue;
      const first = Math.max(from, start + 1);
      if (slow[index] === true) await turns(1);
      if (changes[index] === true && from <= to) state.set(`batch ${index}`, true);
      const batch: TestBatch = { events: self.items(first, to), cursor: { n: to } };
      batch.cursorAt = (count) => ({ n: first - 1 + count });
      if (kind === 'settled batches') batch.settle = () => turns(1);
      yield batch;
    }
  });
  return { source, found };
}

function spans(sizes: readonly number[]): { from: number; to: number }[] {
  let to = 0;
  return sizes.map((size) => {
    const from = to + 1;
    to += size;
    return { from, to };
  });
}

/** The furthest position not beyond so many events: a batch that changed state has none within. */
function position({ source, sizes, changes }: Plan, events: number): number {
  if (source === 'events') return events;
  const inside = spans(sizes).findIndex(({ from, to }) => from <= events && events < to);
  return inside >= 0 && changes[inside] === true ? (spans(sizes)[inside]?.from ?? 1) - 1 : events;
}

function stateAfter({ source, sizes, changes }: Plan, events: number): string[] {
  const keys = spans(sizes).flatMap(({ from, to }, index) => {
    if (changes[index] !== true) return [];
    if (source !== 'events') return to > 0 && from <= to && to <= events ? [`batch ${index}`] : [];
    return range(from, to)
      .filter((n) => n <= events)
      .map((n) => `event ${n}`);
  });
  return keys.sort();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
