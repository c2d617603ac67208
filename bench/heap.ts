import { createSources, plainGenerator } from './events.js';
import { type Bench, figure, usedMegabytes } from './measure.js';

const WARM = 500_000;
const LONG = 5_000_000;
/** What a heap may grow by from the first measurement to the second. */
const ALLOWED_MEGABYTES = 2;

/** Whether iterating leaves anything behind: memory per event, handles. */
export const heap: Bench = {
  name: 'heap',
  async *rows() {
    const sources = await createSources();
    const handlesBefore = process.getActiveResourcesInfo().length;
    const batches = await growth((events) => sources.batches(events).generateEvents());
    const reads = await growth((events) => sources.madeReads(events).generateEvents());
    const plain = await growth(plainGenerator);
    yield row('batches: MB of growth from 0.5 M to 5 M events', batches, plain);
    yield row('read() with this.event(): the same', reads, plain);
    await new Promise((resolve) => setImmediate(resolve));
    const left = Math.max(0, process.getActiveResourcesInfo().length - handlesBefore);
    yield figure('heap', 'handles left open', left, 0, left, 0);
  },
};

function row(name: string, ours: number, rival: number) {
  return figure('heap', name, ours, rival, Math.max(0, ours) / ALLOWED_MEGABYTES, 1);
}

async function growth(iterate: (events: number) => AsyncIterable<unknown>): Promise<number> {
  await consume(iterate(WARM));
  const before = usedMegabytes();
  await consume(iterate(LONG));
  return usedMegabytes() - before;
}

async function consume(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _event of events);
}
