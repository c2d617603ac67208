import { EventSourceFactory, MemoryCursorStore } from 'headwater';
import { take, turns } from './observing.js';
import { Counting } from './registered-source.js';
import { BatchSource, counting, hanging, pages, ReceivingSource } from './test-sources.js';

// A program of its own: what keeps it alive shows, unmixed with what a test runner keeps.
const later = new Date(Date.now() + 3_600_000);

await take(counting(5).generateEvents({ until: later }));
await take(pages(5, 2).generateEvents(), 3);
for await (const _ of pages(9, 2).generateBatches({ maxEvents: 3, maxWaitMs: 3_600_000 }));

const waiting = new BatchSource(async function* (source, { signal }) {
  yield { events: source.items(1, 1), cursor: { n: 1 } };
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
});
const controller = new AbortController();
const filling = waiting.generateBatches({ maxEvents: 9, maxWaitMs: 3_600_000, signal: controller.signal }).next();
await turns(3);
controller.abort('enough');
await filling.catch(() => {});

const hung = hanging();
hung.closeGraceMs = 1;
const events = hung.generateEvents({ follow: true, until: later });
await events.nextWithin(1);
await events.return();

const receiving = new ReceivingSource();
void receiving.receive(1);
await take(receiving.generateEvents(), 1);
await receiving.close();

const factory = new EventSourceFactory({ sources: { counting: Counting }, cursorStore: new MemoryCursorStore() });
const saved = await factory.create('counting', { id: 'mine', config: { last: 3 } });
await take(saved.generateEvents());
await saved.close();

await turns(5);
process.stdout.write(
  JSON.stringify(process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate')),
);
