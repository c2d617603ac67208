/**
 * CSV files into a table of products: each line is checked, a bad one is kept with file and line while the others go on,
 * products that are there already are brought up to date. Each batch of 50 is stored whole or not at all, together with
 * the place in the file: kill it anywhere, run it again, and it goes on in the middle of a file.
 *
 *   npm run example:csv-import -- [FOLDER] [--database FILE] [--follow]
 *
 * FOLDER: default `examples/csv-import/sample`. `--follow`: waits for more files until Ctrl-C.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { HeadwaterError, ingest, isGap } from 'headwater';
import { KyselyCursorStore } from 'headwater/cursors/kysely';
import { KyselyRunStore } from 'headwater/sinks/kysely';
import { FilesystemSource } from 'headwater/sources/filesystem';
import { openDatabase, store } from './database.js';
import { type Row, toRow } from './row.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { database: { type: 'string', default: 'csv-import.sqlite' }, follow: { type: 'boolean', default: false } },
});
const sample = fileURLToPath(new URL('./sample', import.meta.url));

process.exitCode = await main().catch(explain);

async function main(): Promise<number> {
  const dir = positionals[0] === undefined ? sample : resolve(process.env['INIT_CWD'] ?? '.', positionals[0]);
  const source = await FilesystemSource.create({ id: 'products', config: { dir, include: ['**/*.csv'] } });
  await source.assertValid();
  const database = await openDatabase(values.database);
  process.once('SIGINT', () => void source.close());
  try {
    const cursorStore = new KyselyCursorStore(database);
    // Another process can read the progress while this one runs: runs.list({ sourceId: 'products' }).
    const runs = new KyselyRunStore(database);
    const report = await runs.track((onProgress) =>
      ingest({
        source,
        cursorStore,
        cursor: 'in-sink',
        batch: { maxEvents: 50 },
        follow: values.follow,
        transform: toRow,
        sink: (batch) =>
          database.transaction().execute(async (transaction) => {
            await store(
              transaction,
              batch.events.filter((row): row is Row => !isGap(row)),
            );
            await batch.saveCursor(transaction);
          }),
        onProgress,
      }),
    );
    const products = await database.selectFrom('products').selectAll().execute();
    const problems = await database.selectFrom('problems').selectAll().orderBy('file').orderBy('line').execute();
    console.log(
      `${report.read} events read. In the database: ${products.length} products, ${problems.length} problems`,
    );
    for (const { file, line, message } of problems) console.log(`  ${file}, line ${line}: ${message}`);
    return 0;
  } finally {
    await database.destroy();
  }
}

function explain(error: unknown): number {
  if (!HeadwaterError.isInstance(error)) throw error;
  console.error(`${error.name} (${error.code}): ${error.message}`);
  return 1;
}
