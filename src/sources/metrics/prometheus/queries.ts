import { poll } from '../../../toolkit/poll.js';
import type { QueriedConfig } from './config.js';
import { parseCursor } from './cursor.js';
import type { ModeContext, PrometheusBatch } from './mode.js';
import { QueryReader } from './query-reader.js';
import { alignedBefore } from './windows.js';

/** Modes `range` and `instant`: every query up to now, again and again. */
export async function* readQueries(
  mode: ModeContext,
  config: QueriedConfig,
): AsyncGenerator<PrometheusBatch, void, undefined> {
  const { context, clock, client, sourceId } = mode;
  const { signal, follow } = context;
  let cursor = parseCursor(context.cursor, sourceId);
  const readers: QueryReader[] = [];
  for (const query of config.queries) readers.push(await QueryReader.open(mode, config, query));
  const round = async function* (): AsyncGenerator<PrometheusBatch, void, undefined> {
    mode.onReading();
    // By the clock of Prometheus: by one that goes wrong, times that are still to come would count as read.
    const end = alignedBefore((await client.now(signal)) - config.lagMs, config.stepMs);
    for (const reader of readers) cursor = yield* reader.read(cursor, end);
  };
  const intervalMs = config.pollIntervalMs ?? config.stepMs;
  yield* poll(round, { clock, signal, follow, intervalMs, onCaughtUp: mode.onCaughtUp });
}
