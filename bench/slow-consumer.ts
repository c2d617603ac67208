import { setTimeout } from 'node:timers/promises';
import type { EventSource } from '../src/index.js';
import { figure, type Row, usedMegabytes } from './measure.js';

const SECONDS = 20;
/** Until then everything has been loaded, and as much is held as may be. */
const WARM_SECONDS = 5;
const MOST_GROWTH_MB = 8;

/**
 * A consumer that takes some milliseconds for each event, while far more is waiting than it will ever get to. The heap must
 * not grow, nothing may be read twice, and the connection or the membership in the group must last.
 */
export async function slowConsumer(bench: string, source: EventSource, millisecondsEach: number): Promise<Row> {
  const stop = new AbortController();
  const seen = new Set<string>();
  const reading = (async () => {
    for await (const event of source.generateEvents({ follow: true, signal: stop.signal })) {
      if (seen.has(event.id)) throw new Error(`${event.id} came twice`);
      seen.add(event.id);
      await setTimeout(millisecondsEach);
    }
  })();
  const ended = reading.catch((error: unknown) => error);
  while (seen.size === 0) await Promise.race([setTimeout(10), reading]);
  await Promise.race([setTimeout(WARM_SECONDS * 1_000), reading]);
  const before = usedMegabytes();
  await Promise.race([setTimeout((SECONDS - WARM_SECONDS) * 1_000), reading]);
  const grown = usedMegabytes() - before;
  const { retries, gaps } = source.getStats();
  stop.abort('enough');
  const reason = await ended;
  if (reason !== 'enough') throw reason;
  if (retries + gaps > 0) throw new Error(`${retries} retries, ${gaps} gaps`);
  const row = `a consumer 100 times slower, ${SECONDS} s, ${seen.size} events: growth of the heap in MB, beside ${MOST_GROWTH_MB}`;
  return figure(bench, row, grown, MOST_GROWTH_MB, Math.max(0, grown) / MOST_GROWTH_MB, 1);
}
