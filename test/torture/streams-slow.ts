import { setTimeout } from 'node:timers/promises';
import type { NumberedSender } from './brokers.js';
import type { Scenario } from './scenario.js';
import { accessOf, writeAccess } from './services.js';
import { type SteadyCase, sampleHeap } from './steady.js';
import type { AnySource } from './store-scenarios.js';

/** For each message; meanwhile a hundred come. */
const SLOW_MS = 300;
const TIMES = 100;

/** A consumer that cannot keep up: nothing may come twice, nothing may be missing between, nothing may be tried again. */
export function readsSlowly(open: (access: never) => Promise<AnySource>): Scenario {
  return async (directory) => {
    const source = await open(accessOf(directory) as never);
    process.once('SIGTERM', () => void source.close());
    let handled = 0;
    const stopSampling = sampleHeap(directory, () => handled);
    const seen = new Set<string>();
    for await (const event of source.generateEvents({ follow: true })) {
      if (handled === 0) process.stdout.write('reading\n');
      if (seen.has(event.id)) throw new Error(`${event.id} came twice`);
      if (event.type === 'headwater.gap') throw new Error(`a gap: ${JSON.stringify(event.data)}`);
      seen.add(event.id);
      handled += 1;
      await setTimeout(SLOW_MS);
    }
    stopSampling();
    const { retries } = source.getStats();
    if (retries > 0) throw new Error(`the connection was made again ${retries} times`);
  };
}

/** What is sent a hundred times faster than it is read. */
export function sentFast(start: () => Promise<NumberedSender>): SteadyCase {
  let accepted = (): number => 0;
  return {
    unit: 'messages',
    // Each that is handled is one of a hundred that wait; if those were held, it would be kilobytes.
    mostBytes: 2_000,
    async start(directory) {
      const sender = await start();
      writeAccess(directory, sender.access);
      accepted = () => sender.sent.accepted.size;
      sender.begin();
      return async () => {
        sender.rest();
        await sender.settled();
        await sender.close();
      };
    },
    async judge(_, handled) {
      if (accepted() < handled * TIMES)
        throw new Error(`only ${accepted()} messages were sent for the ${handled} that were handled`);
    },
  };
}
