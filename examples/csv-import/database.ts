import { Kysely, SqliteDialect, type Transaction } from 'kysely';
import Database from 'libsql';
import type { Row } from './row.js';

/** The application's own tables. */
export interface Tables {
  products: { url: string; name: string; price: number; quantity: number };
  problems: { file: string; line: number | null; message: string };
}

export async function openDatabase(path: string): Promise<Kysely<Tables>> {
  const file = new Database(path);
  file.pragma('busy_timeout = 10000');
  file.pragma('journal_mode = WAL');
  const database = new Kysely<Tables>({ dialect: new SqliteDialect({ database: file }) });
  await database.schema
    .createTable('products')
    .ifNotExists()
    .addColumn('url', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('price', 'real', (column) => column.notNull())
    .addColumn('quantity', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('products_key', ['url', 'name'])
    .execute();
  await database.schema
    .createTable('problems')
    .ifNotExists()
    .addColumn('file', 'text', (column) => column.notNull())
    .addColumn('line', 'integer')
    .addColumn('message', 'text', (column) => column.notNull())
    .execute();
  return database;
}

/** A product that is there already is brought up to date; what cannot be imported is kept with file and line. */
export async function store(transaction: Transaction<Tables>, rows: readonly Row[]): Promise<void> {
  for (const row of rows) {
    if ('product' in row) {
      await transaction
        .insertInto('products')
        .values(row.product)
        .onConflict((conflict) => conflict.columns(['url', 'name']).doUpdateSet(row.product))
        .execute();
    } else if ('problem' in row) await transaction.insertInto('problems').values(row.problem).execute();
    // A new version of a file brings all of its rows again, and so its problems.
    else await transaction.deleteFrom('problems').where('file', '=', row.begins).execute();
  }
}
