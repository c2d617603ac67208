import fc from 'fast-check';
import type { EventBatch } from 'headwater';
import { expect, it } from 'vitest';
import { numberOf, range, turns } from '../support/observing.js';
import { BatchSource, type ItemCursor, pages, type TestBatch, type TestEvent } from '../support/test-sources.js';

type Batch = EventBatch<TestEvent, ItemCursor>;

it('batches acknowledged in any order move the frontier only over the contiguous prefix', async () => {
  const source = pages(8, 2);
  const batches = source.generateBatches({ settlement: 'explicit' });
  const taken: Batch[] = [];
  for await (const batch of batches) taken.push(batch);
  expect(taken.map(({ events }) => events.map(numberOf))).toEqual([
    [1, 2],
    [3, 4],
    [5, 6],
    [7, 8],
  ]);
  const cursors: unknown[] = [];
  for (const index of [2, 1, 3, 0]) {
    await taken[index]?.ack();
    cursors.push(source.getCursor()?.n);
  }
  expect(cursors).toEqual([undefined, undefined, undefined, 8]);
});

it('asking for the next batch acknowledges nothing', async () => {
  const source = pages(4, 2);
  for await (const _ of source.generateBatches({ settlement: 'explicit' })) expect(source.getCursor()).toBeUndefined();
});

it('a rejected batch stays unacknowledged whatever is said of it later, and comes again', async () => {
  const source = pages(6, 2);
  const batches = source.generateBatches({ settlement: 'explicit' });
  const [first, second, third] = [await batches.next(), await batches.next(), await batches.next()];
  await second.value?.reject(new Error('poison'));
  await second.value?.ack();
  await third.value?.ack();
  await first.value?.ack();
  expect(source.getCursor()).toEqual({ n: 2 });
  await batches.return();
  expect((await source.generateBatches().next()).value?.events.map(numberOf)).toEqual([3, 4]);
});

it('a rejected batch is rejected with settlement by pulling, too', async () => {
  const source = pages(6, 2);
  for await (const batch of source.generateBatches())
    if (batch.cursor?.n === 4) await batch.reject(new Error('poison'));
  expect(source.getCursor()).toEqual({ n: 2 });
});

it('ack() and reject() may be repeated, and are without effect once the iteration was given up', async () => {
  const source = pages(4, 2);
  const batches = source.generateBatches({ settlement: 'explicit' });
  const first = (await batches.next()).value as Batch;
  const second = (await batches.next()).value as Batch;
  await first.ack();
  await first.ack();
  await first.reject(new Error('too late'));
  await batches.return();
  await second.ack();
  expect(source.getCursor()).toEqual({ n: 2 });
  expect(source.getStats().acknowledged).toBe(2);
});

it('batches may be settled after the end was told, and a new iteration gives up what was not', async () => {
  const source = pages(6, 2);
  const taken: Batch[] = [];
  for await (const batch of source.generateBatches({ settlement: 'explicit' })) taken.push(batch);
  await taken[0]?.ack();
  const again = source.generateBatches({ settlement: 'explicit' });
  expect((await again.next()).value?.events.map(numberOf)).toEqual([3, 4]);
  await taken[1]?.ack();
  expect(source.getCursor()).toEqual({ n: 2 });
  await again.return();
});

interface Plan {
  /** Sizes of the batches of the source; whether they can be cut; whether they change state. */
  upstream: { size: number; cuttable: boolean; changes: boolean }[];
  maxEvents: number | undefined;
  order: number[];
  rejects: boolean[];
  settled: number;
}

const plans: fc.Arbitrary<Plan> = fc.record({
  upstream: fc.array(
    fc.record({ size: fc.integer({ min: 0, max: 5 }), cuttable: fc.boolean(), changes: fc.boolean() }),
    { maxLength: 8 },
  ),
  maxEvents: fc.option(fc.integer({ min: 1, max: 7 }), { nil: undefined }),
  order: fc.array(fc.nat(1_000), { minLength: 40, maxLength: 40 }),
  rejects: fc.array(
    fc.integer({ min: 0, max: 9 }).map((chance) => chance === 0),
    { minLength: 40, maxLength: 40 },
  ),
  settled: fc.integer({ min: 0, max: 40 }),
});

it('AG4: whatever the order of ack and reject, the frontier is the contiguous prefix and a new iteration brings the rest', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const ends = endsOf(plan);
      const total = ends.at(-1) ?? 0;
      const source = planned(plan);
      const taken: Batch[] = [];
      const batches = source.generateBatches({ settlement: 'explicit', maxEvents: plan.maxEvents });
      for await (const batch of batches) taken.push(batch);
      expect(taken.flatMap(({ events }) => events.map(numberOf))).toEqual(range(1, total));
      expectOnlyAllowedCuts(taken, plan, ends);

      const accepted = new Set<number>();
      const rejected = new Set<number>();
      const order = shuffled(taken.length, plan.order).slice(0, plan.settled);
      for (const [step, index] of order.entries()) {
        if (plan.rejects[step] === true) {
          await taken[index]?.reject(new Error('no'));
          rejected.add(index);
        } else {
          await taken[index]?.ack();
          accepted.add(index);
        }
        const prefix = contiguous(taken, accepted);
        expect(source.getCursor()?.n ?? 0).toBe(positionBefore(prefix, plan, ends));
      }
      const frontier = source.getCursor()?.n ?? 0;
      expect(await stateOf(source)).toEqual(expectedState(contiguous(taken, accepted), plan, ends));

      const again = source.generateBatches();
      const numbers: unknown[] = [];
      for await (const batch of again) numbers.push(...batch.events.map(numberOf));
      expect(numbers).toEqual(range(frontier + 1, total));
      expect(source.getCursor()?.n ?? 0).toBe(total);
    }),
    { numRuns: 300 },
  );
});

/** The source of a plan: batch i holds the events up to ends[i] and, where it changes state, sets key i. */
function planned(plan: Plan): BatchSource {
  const ends = endsOf(plan);
  return new BatchSource(async function* (self, { cursor, state }) {
    const start = cursor?.n ?? 0;
    for (const [index, { cuttable, changes }] of plan.upstream.entries()) {
      const end = ends[index] ?? 0;
      const begin = Math.max(start, ends[index - 1] ?? 0);
      if (end <= start) continue;
      await turns(index % 2);
      if (changes) state.set(`batch ${index}`, end);
      const batch: TestBatch = { events: self.items(begin + 1, end), cursor: { n: end } };
      if (cuttable) batch.cursorAt = (count) => ({ n: begin + count });
      yield batch;
    }
  });
}

function endsOf({ upstream }: Plan): number[] {
  let end = 0;
  return upstream.map(({ size }) => {
    end += size;
    return end;
  });
}

function contiguous(taken: readonly Batch[], accepted: ReadonlySet<number>): number {
  let events = 0;
  for (const [index, batch] of taken.entries()) {
    if (!accepted.has(index)) break;
    events += batch.events.length;
  }
  return events;
}

/** The furthest position not beyond so many events that the source has a cursor for. */
function positionBefore(events: number, { upstream }: Plan, ends: readonly number[]): number {
  let position = 0;
  for (const [index, { cuttable, changes }] of upstream.entries()) {
    const end = ends[index] ?? 0;
    if (end <= events) position = end;
    else if (cuttable && !changes) return Math.max(position, Math.min(end, events));
    else return position;
  }
  return position;
}

function expectOnlyAllowedCuts(taken: readonly Batch[], { upstream }: Plan, ends: readonly number[]): void {
  let handed = 0;
  for (const batch of taken) {
    handed += batch.events.length;
    const index = ends.findIndex((end) => handed <= end);
    const inside = upstream[index];
    if (inside === undefined || handed === ends[index]) continue;
    expect(inside).toMatchObject({ cuttable: true, changes: false });
  }
}

function shuffled(length: number, keys: readonly number[]): number[] {
  return range(0, length - 1).sort((left, right) => (keys[left] ?? 0) - (keys[right] ?? 0) || left - right);
}

function expectedState(events: number, { upstream }: Plan, ends: readonly number[]): [string, unknown][] {
  return upstream.flatMap(({ changes }, index): [string, unknown][] => {
    const end = ends[index] ?? 0;
    return changes && end > 0 && end <= events ? [[`batch ${index}`, end]] : [];
  });
}

/** The state that a new iteration sees. */
async function stateOf(source: BatchSource): Promise<[string, unknown][]> {
  const entries: [string, unknown][] = [];
  await source.lookAtState(async (state) => {
    for await (const entry of state.entries()) entries.push(entry);
  });
  return entries.sort(([left], [right]) => left.localeCompare(right));
}
