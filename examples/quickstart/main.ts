/**
 * Reads the history of a git repository into a local store, and brings only what is new when it is run again.
 *
 *   npm run quickstart                     this repository
 *   npm run quickstart -- ~/src/project    another one
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { CursorConflictError, FileCursorStore, HeadwaterError, ingest } from 'headwater';
import { JsonlSink } from 'headwater/sinks/jsonl';
import { GitSource } from 'headwater/sources/git';
import { countByType } from './count-by-type.js';
import { takeLock } from './lock.js';
import { formatCount, Progress } from './progress.js';

process.exitCode = await main().catch(explain);

async function main(): Promise<number> {
  const stop = stopOnSignal();
  // npm runs scripts in the folder of package.json; a path means something where the command was typed.
  const dir = resolve(process.env['INIT_CWD'] ?? '.', process.argv[2] ?? process.cwd());

  const source = await GitSource.create({ id: 'history', config: { dir } });
  await source.assertValid({ signal: stop });
  const store = await openStore(dir, stop);
  const sink = new JsonlSink(join(store, 'events.jsonl'));
  const cursorStore = new FileCursorStore(join(store, 'cursors'));

  const before = await cursorStore.load(source.id);
  const progress = new Progress(`Reading ${dir}`);
  const onProgress = progress.show;
  const report = await ingest({ source, sink, cursorStore, signal: stop, onProgress }).finally(progress.finish);
  await sink.close();

  if (report.status === 'cancelled') console.log('Stopped. What was read is saved: run it again to go on from there.');
  else if (report.read === 0)
    console.log(before ? `Nothing new since ${before.updatedAt}.` : 'There is nothing to read yet.');
  else console.log(`${formatCount(report.written)} new events (${progress.rate} per second).`);
  await printStore(join(store, 'events.jsonl'));
  return 0;
}

/** `.headwater/quickstart/<name>-<hash of the path>`: each repository has a store of its own. */
async function openStore(dir: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256').update(dir).digest('hex').slice(0, 8);
  const store = join('.headwater', 'quickstart', `${basename(dir) || 'root'}-${hash}`);
  mkdirSync(store, { recursive: true });
  await takeLock(join(store, 'lock'), signal);
  return store;
}

async function printStore(path: string): Promise<void> {
  const { byType, repeated } = await countByType(path);
  console.log(`\nIn the store, ${path}:`);
  for (const [type, count] of byType) console.log(`  ${formatCount(count).padStart(10)}  ${type}`);
  if (repeated > 0) console.log(`  ${formatCount(repeated).padStart(10)}  repeated after a kill, counted once above`);
}

/** Ctrl-C ends the run; the cursor of what the sink took is saved by then. A second Ctrl-C ends the process. */
function stopOnSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  return controller.signal;
}

/** What a person can do about it; a stack only for what is a mistake in the program. */
function explain(error: unknown): number {
  if (error instanceof Error && error.name === 'AbortError') return 0;
  if (!HeadwaterError.isInstance(error)) throw error;
  console.error(`${error.name} (${error.code}): ${error.message}`);
  if (CursorConflictError.isInstance(error))
    console.error('Is another quickstart running? Run this one again after it.');
  return 1;
}
