import assert from 'node:assert/strict';
import type { SourceEvent } from '../../core/event.js';
import type { EventSource } from '../../core/event-source.js';
import { assertNothingMissing, assertSame, keyOf, type SourceCase, type Trial } from './trial.js';

/** Where a source goes on. */
export const resumeCases: readonly SourceCase[] = [
  {
    name: 'a process that was stopped after any batch is followed by one that goes on exactly there',
    needs: ['position'],
    async check(trial) {
      const all = await readAll(trial);
      for (let batches = 1; ; batches += 1) {
        const fresh = await trial.another();
        const { events, isOver } = await acknowledge(fresh, batches);
        const rest = await readRest(fresh, all.length - events.length);
        assertSame([...events, ...rest], all, `a run of ${batches} batches and one after it`);
        if (isOver) return;
      }
    },
  },
  {
    name: 'after `break` the event in hand comes again, in the same process, wherever it was',
    needs: ['position', 'pull'],
    async check(trial) {
      const all = await readAll(trial);
      for (let count = 1; count <= all.length; count += 1) {
        const fresh = await trial.another();
        const source = await fresh.start();
        const before = await take(fresh, source, count);
        const after = await fresh.read(source);
        const inHand = before.at(-1) as SourceEvent;
        const what = `after a break at event ${count}`;
        assertNothingMissing(after, [inHand], what);
        assertNothingMissing([...before, ...after], all, what);
      }
    },
  },
  {
    name: 'when nothing is new, a run brings nothing',
    needs: ['cursor', 'pull'],
    async check(trial) {
      await runOnce(trial);
      assert.deepEqual((await runOnce(trial)).map(keyOf), [], 'a second run brings what the first one had');
    },
  },
  {
    name: 'what is new comes, and nothing else',
    needs: ['cursor', 'pull', 'more'],
    async check(trial) {
      const first = await runOnce(trial);
      await trial.harness.more?.(trial.world);
      const second = await runOnce(trial);
      assert.ok(second.length > 0, 'what happened between two runs is missing');
      assertSame(
        second,
        second.filter((event) => !first.some((old) => keyOf(old) === keyOf(event))),
        'the run after it',
      );
    },
  },
  {
    name: 'a cursor survives JSON, and is not changed once it was seen',
    needs: ['cursor'],
    async check(trial) {
      const seen: [cursor: unknown, text: string | undefined][] = [];
      const source = await trial.start();
      for await (const _ of trial.iterate(source)) {
        const cursor = source.getCursor();
        seen.push([cursor, JSON.stringify(cursor)]);
      }
      seen.push([source.getCursor(), JSON.stringify(source.getCursor())]);
      assert.ok(seen.at(-1)?.[1] !== undefined, 'there is no cursor after everything was read');
      for (const [cursor, text] of seen) {
        assert.equal(JSON.stringify(cursor), text, 'a cursor was changed after it was seen');
        if (text !== undefined) assert.deepEqual(JSON.parse(text), cursor, 'a cursor does not survive JSON');
      }
    },
  },
  {
    name: 'a cursor that a source is given stays as it is',
    needs: ['cursor'],
    async check(trial) {
      const source = await trial.start();
      await take(trial, source, Math.ceil(trial.world.events / 2) + 1);
      const cursor = source.getCursor();
      const text = JSON.stringify(cursor);
      source.setCursor(frozen(cursor));
      // What a source that receives has acknowledged is not sent again.
      await trial.read(source, trial.isPush ? { limit: 1 } : {});
      assert.equal(JSON.stringify(cursor), text, 'the source changed the cursor that it was given');
    },
  },
  {
    name: 'to look without acknowledging leaves everything where it is',
    needs: ['position', 'pull'],
    async check(trial) {
      const source = await trial.start();
      const looked: SourceEvent[] = [];
      const before = source.getCursor();
      for await (const event of trial.iterate(source, { acknowledge: false, limit: trial.window })) looked.push(event);
      assert.deepEqual(source.getCursor(), before, 'looking moved the cursor');
      assertNothingMissing(await trial.read(source), looked, 'a run after having looked');
    },
  },
];

/** Everything, by a source that nothing was saved for. */
export async function readAll(trial: Trial): Promise<SourceEvent[]> {
  const fresh = await trial.another();
  return fresh.read(await fresh.start());
}

/** A whole run of a process, saved at its end. */
async function runOnce(trial: Trial): Promise<SourceEvent[]> {
  const source = await trial.start();
  const events = await trial.read(source);
  await trial.save(source);
  await source.close();
  return events;
}

/** Acknowledges so many batches, as small as they can be had, saves, and stops. */
export async function acknowledge(
  trial: Trial,
  batches: number,
): Promise<{ events: SourceEvent[]; isOver: boolean; source: EventSource }> {
  const source = await trial.start();
  const events: SourceEvent[] = [];
  let count = 0;
  for await (const batch of trial.guard(source.generateBatches({ maxEvents: 1, settlement: 'explicit' }))) {
    await batch.ack();
    events.push(...batch.events);
    count += 1;
    if (count === batches || (trial.isPush && events.length === trial.world.events)) break;
  }
  await trial.save(source);
  await source.close();
  return { events, isOver: count < batches || events.length >= trial.world.events, source };
}

/** What a process brings that is started then. */
export async function readRest(trial: Trial, expected: number): Promise<SourceEvent[]> {
  const source = await trial.start();
  if (!trial.isPush) return trial.read(source);
  return expected === 0 ? [] : trial.read(source, { limit: expected });
}

async function take(trial: Trial, source: EventSource, count: number): Promise<SourceEvent[]> {
  const events: SourceEvent[] = [];
  for await (const event of trial.iterate(source)) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

function frozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(Object.freeze(value))) frozen(inner);
  return value;
}
