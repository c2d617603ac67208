import { existsSync } from 'node:fs';
import { DatabaseSource } from '../../src/sources/database/index.js';
import type { WrittenDialect } from './database-writers.js';
import { openDatabase } from './databases.js';
import { followFile } from './live.js';
import type { Scenario } from './scenario.js';
import { type AnySource, intoDatabase } from './store-scenarios.js';

/** Reads a table while others write it, into the table of the same database, the cursor with it. */
async function readOrders(dialect: WrittenDialect, directory: string): Promise<void> {
  const database = await openDatabase(dialect, directory);
  const order = dialect === 'postgres' ? { cursorColumn: 'x' } : {};
  const config = { mode: 'keyset', database, table: 'orders', pageSize: 7, pollIntervalMs: 20, ...order } as const;
  const source = await DatabaseSource.create({ id: 'torture', config });
  process.once('SIGTERM', () => void source.close());
  process.stdout.write('reading\n');
  const keyOf = (event: { data: unknown }): string => (event.data as { row: { what: string } }).row.what;
  const follow = existsSync(followFile(directory));
  await intoDatabase(dialect, directory, source as unknown as AnySource, { keyOf, follow, batch: 50 });
  await database.destroy();
}

export const databaseScenarios: Readonly<Record<string, Scenario>> = {
  'orders-postgres': (directory) => readOrders('postgres', directory),
  'orders-mariadb': (directory) => readOrders('mariadb', directory),
};
