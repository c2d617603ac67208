/**
 * An agent's memory of what happened: git, files, GitHub, Slack, API logs and its own journal, side by side into one
 * table of episodes in SQLite or PostgreSQL, each exactly once. Run it again, or kill it and run it again: it goes on
 * where it was.
 *
 *   npm run example:episodic-memory                          brings what is new
 *   npm run example:episodic-memory -- follow                … and waits for more, until Ctrl-C
 *   npm run example:episodic-memory -- preview history       what a source holds; stores nothing
 *   npm run example:episodic-memory -- recall lost cursor    the newest episodes with these words
 *
 * `--settings FILE`: default `examples/episodic-memory/settings.json`. `--database URL`: `postgres://…`, or the path of
 * an SQLite file (default `episodic-memory.sqlite`).
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { HeadwaterError } from 'headwater';
import type { ManagedStatus } from 'headwater/manager';
import { openDatabase } from './database.js';
import type { Episode } from './episode.js';
import { Memory } from './memory.js';
import { readSettings } from './settings.js';
import { Sync } from './sync.js';

const RECALLED = 10;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    settings: { type: 'string', default: fileURLToPath(new URL('./settings.json', import.meta.url)) },
    database: { type: 'string', default: 'episodic-memory.sqlite' },
  },
});

process.exitCode = await main().catch(explain);

async function main(): Promise<number> {
  const [command = 'sync', ...words] = positionals;
  const settings = await readSettings(values.settings);
  const database = await openDatabase(values.database);
  const memory = new Memory(database, settings.project);
  const sync = new Sync(settings, database, memory);
  try {
    switch (command) {
      case 'sync':
      case 'follow':
        return await report(await sync.run({ follow: command === 'follow', signal: untilStopped() }), memory);
      case 'preview':
        return tellPreview(await sync.preview(words[0] ?? '', RECALLED));
      case 'recall':
        for (const episode of await memory.recall(words, RECALLED)) tell(episode);
        return 0;
      default:
        console.error(`there is no command "${command}": sync, follow, preview ID, recall WORDS`);
        return 1;
    }
  } finally {
    await database.destroy();
  }
}

/** How each source did: events, and how long it took. */
async function report(sources: readonly ManagedStatus[], memory: Memory): Promise<number> {
  for (const { id, state, report: run, error } of sources) {
    const ms = Date.parse(run?.finishedAt ?? '') - Date.parse(run?.startedAt ?? '');
    const took = Number.isNaN(ms) ? '' : ` in ${ms} ms`;
    console.log(
      `${id}: ${state}, ${run?.written ?? 0} events${took}${error === undefined ? '' : `: ${error.message}`}`,
    );
  }
  console.log('\nRemembered:');
  for (const { kind, count } of await memory.countByKind()) console.log(`  ${String(count).padStart(8)}  ${kind}`);
  return sources.some(({ state }) => state === 'failed') ? 1 : 0;
}

function tellPreview({ counts, last }: Awaited<ReturnType<Sync['preview']>>): number {
  for (const [kind, count] of counts) console.log(`${String(count).padStart(8)}  ${kind}`);
  for (const episode of last) tell(episode);
  return 0;
}

function tell({ time, kind, session, content }: Episode): void {
  console.log(`${time ?? ''.padStart(24)}  ${kind}  ${session}  ${content.split('\n')[0]}`);
}

/** Ctrl-C stops taking in more; what is under way is stored. A second one ends the process. */
function untilStopped(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  return controller.signal;
}

function explain(error: unknown): number {
  if (!HeadwaterError.isInstance(error)) throw error;
  console.error(`${error.name} (${error.code}): ${error.message}`);
  return 1;
}
