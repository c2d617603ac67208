import assert from 'node:assert/strict';
import type { SourceEvent } from '../../core/event.js';
import type { EventBatch } from '../../core/read-options.js';
import { readAll, readRest } from './resume-cases.js';
import { assertNothingMissing, assertSame, type SourceCase, type Trial } from './trial.js';

/** Batches that are settled one by one, in any order. */
export const settlementCases: readonly SourceCase[] = [
  {
    name: 'batches that are settled out of order move only what is settled without a hole',
    needs: ['position'],
    async check(trial) {
      const all = await readAll(trial);
      const fresh = await trial.another();
      const source = await fresh.start();
      const before = JSON.stringify(source.getCursor());
      const settled = await withBatches(fresh, source, async (batches) => {
        for (const batch of batches.slice(1).reverse()) await batch.ack();
        assert.equal(JSON.stringify(source.getCursor()), before, 'the cursor passed a batch that is not settled');
        await batches[0]?.ack();
        return batches.flatMap(({ events }) => events);
      });
      await fresh.save(source);
      await source.close();
      const rest = await readRest(fresh, all.length - settled.length);
      assertSame([...settled, ...rest], all, 'batches settled out of order, and a run after them');
    },
  },
  {
    name: 'a batch that is rejected, and all after it, comes again in the next process',
    needs: ['position'],
    async check(trial) {
      const all = await readAll(trial);
      const fresh = await trial.another();
      const source = await fresh.start();
      const settled = await withBatches(fresh, source, async (batches) => {
        for (const batch of batches.slice(2).reverse()) await batch.ack();
        await batches[1]?.reject(new Error('rejected by the trial'));
        await batches[0]?.ack();
        return batches[0]?.events ?? [];
      });
      await fresh.save(source);
      await source.close();
      const rest = await readRest(fresh, all.length - settled.length);
      assertSame([...settled, ...rest], all, 'a rejected batch, and a run after it');
    },
  },
  {
    name: 'a batch that is rejected, and all after it, comes again in the same process',
    needs: ['position', 'pull'],
    async check(trial) {
      const all = await readAll(trial);
      const fresh = await trial.another();
      const source = await fresh.start();
      const settled = await withBatches(fresh, source, async (batches) => {
        await batches[0]?.ack();
        await batches[1]?.reject(new Error('rejected by the trial'));
        return batches[0]?.events ?? [];
      });
      const rest = await fresh.read(source);
      assertNothingMissing([...settled, ...rest], all, 'a rejected batch, and an iteration after it');
    },
  },
];

/** Holds as many batches at once as the source allows, five at most, and settles them. */
async function withBatches(
  trial: Trial,
  source: Awaited<ReturnType<Trial['start']>>,
  settle: (batches: readonly EventBatch[]) => Promise<readonly SourceEvent[]>,
): Promise<readonly SourceEvent[]> {
  const batches: EventBatch[] = [];
  const most = Math.min(5, trial.window);
  let settled: readonly SourceEvent[] = [];
  for await (const batch of trial.guard(source.generateBatches({ maxEvents: 1, settlement: 'explicit' }))) {
    batches.push(batch);
    if (batches.length < most) continue;
    settled = await settle(batches);
    return settled;
  }
  // The source has fewer: its end waits for them to be settled.
  return settle(batches);
}
