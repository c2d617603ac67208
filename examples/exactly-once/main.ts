/**
 * The commits of a git repository into the application's own tables, each exactly once: a row per commit in a table
 * without a unique key, and a counter per author, which would show every commit that is counted twice or not at all.
 *
 *   npm run example:exactly-once -- [PATH] [--database URL] [--crash]
 *
 * `--database`: `postgres://…`, `mysql://…` or the path of an SQLite file (default `exactly-once.sqlite`).
 * `--crash`: the process kills itself (SIGKILL) at some moment within the first half second. Run it again.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CursorConflictError, HeadwaterError, ingest } from 'headwater';
import { KyselyCursorStore } from 'headwater/cursors/kysely';
import { type GitEvent, GitSource } from 'headwater/sources/git';
import type { Transaction } from 'kysely';
import { countAll, openDatabase, type Tables } from './database.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { database: { type: 'string', default: 'exactly-once.sqlite' }, crash: { type: 'boolean' } },
});

process.exitCode = await main().catch(explain);

async function main(): Promise<number> {
  const dir = resolve(process.env['INIT_CWD'] ?? '.', positionals[0] ?? process.cwd());
  const source = await GitSource.create({ id: 'history', config: { dir } });
  await source.assertValid();
  const database = await openDatabase(values.database);
  try {
    if (values.crash) setTimeout(() => process.kill(process.pid, 'SIGKILL'), Math.random() * 500);
    const report = await ingest({
      source,
      cursorStore: new KyselyCursorStore(database),
      cursor: 'in-sink',
      batch: { maxEvents: 100 },
      // Rows, counters and the cursor are committed together, or none of them is.
      sink: (batch) =>
        database.transaction().execute(async (transaction) => {
          await storeCommits(transaction, batch.events);
          await batch.saveCursor(transaction);
        }),
    });
    const { rows, distinct, counted } = await countAll(database);
    console.log(`${report.written} new events. In the database: ${rows} rows, ${distinct} commits, ${counted} counted`);
    return rows === distinct && rows === counted ? 0 : 1;
  } finally {
    await database.destroy();
  }
}

async function storeCommits(transaction: Transaction<Tables>, events: readonly GitEvent[]): Promise<void> {
  const commits = events.flatMap((event) => (event.type === 'git.commit' ? [event.data] : []));
  if (commits.length === 0) return;
  const rows = commits.map(({ sha, author, subject }) => ({ sha, author: author.name.slice(0, 200), subject }));
  await transaction.insertInto('commits').values(rows).execute();
  for (const { author } of rows) {
    const { numUpdatedRows } = await transaction
      .updateTable('authors')
      .set(({ eb }) => ({ commits: eb('commits', '+', 1) }))
      .where('name', '=', author)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) await transaction.insertInto('authors').values({ name: author, commits: 1 }).execute();
  }
}

function explain(error: unknown): number {
  if (!HeadwaterError.isInstance(error)) throw error;
  console.error(`${error.name} (${error.code}): ${error.message}`);
  if (CursorConflictError.isInstance(error)) console.error('Another one of these is running on the same database.');
  return 1;
}
