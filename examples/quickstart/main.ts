/**
 * Reads the history of a git repository and the files of its folder into a local SQLite database, each event exactly
 * once, and brings only what is new when it is run again.
 *
 *   npm run quickstart                     this repository
 *   npm run quickstart -- ~/src/project    another one
 */
import { resolve } from 'node:path';
import { CursorConflictError, type EventSource, HeadwaterError, ingest } from 'headwater';
import { FilesystemSource } from 'headwater/sources/filesystem';
import { GitSource } from 'headwater/sources/git';
import { formatCount, Progress } from './progress.js';
import { Store } from './store.js';

process.exitCode = await main().catch(explain);

async function main(): Promise<number> {
  const stop = stopOnSignal();
  // npm runs scripts in the folder of package.json; a path means something where the command was typed.
  const dir = resolve(process.env['INIT_CWD'] ?? '.', process.argv[2] ?? process.cwd());

  const history = await GitSource.create({ id: 'history', config: { dir } });
  const files = await FilesystemSource.create({
    id: 'files',
    config: { dir, exclude: ['**/.git/**', '**/node_modules/**', '**/.headwater/**'] },
  });
  await history.assertValid({ signal: stop });
  await files.assertValid({ signal: stop });

  const store = new Store(dir);
  try {
    await store.events.prepare();
    for (const source of [history, files]) await bring(source, dir, store, stop);
    await print(store);
  } finally {
    await store.close();
  }
  return 0;
}

async function bring(source: EventSource, dir: string, store: Store, signal: AbortSignal): Promise<void> {
  const before = await store.cursors.load(source.id);
  const progress = new Progress(`Reading the ${source.id} of ${dir}`);
  const report = await ingest({
    source,
    sink: store.events,
    cursorStore: store.cursors,
    cursor: 'in-sink', // events and cursor in one transaction: exactly once
    signal,
    onProgress: progress.show,
  }).finally(progress.finish);

  const what = `${source.id}: `;
  if (report.status === 'cancelled') console.log(`${what}stopped. What was read is saved: run it again to go on.`);
  else if (report.read > 0)
    console.log(`${what}${formatCount(report.written)} new events (${progress.rate} per second)`);
  else console.log(what + (before ? `nothing new since ${before.updatedAt}` : 'there is nothing to read yet'));
}

async function print(store: Store): Promise<void> {
  console.log(`\nIn the store, ${store.path}:`);
  for (const { type, count } of await store.countByType()) console.log(`  ${formatCount(count).padStart(10)}  ${type}`);
}

/** Ctrl-C ends the run; what the sink took is stored together with its cursor. A second Ctrl-C ends the process. */
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
