import type { SqlDialect } from './dialect.js';
import type { RunQuery } from './sql-database.js';

/** A step in the life of our tables. Steps are never changed once released; a later release adds one. */
export interface Migration {
  /** Its name in the table of migrations, unique over all of ours: `cursors-1`. */
  readonly name: string;
  /** Statements that do no harm when another process runs them at the same time, or has run them. */
  statements(dialect: SqlDialect, table: (name: string) => string): readonly string[];
}

const ATTEMPTS = 5;

/** Runs the steps that were not run yet. Several processes may do so at once. */
export async function applyMigrations(
  run: RunQuery,
  migrations: readonly Migration[],
  dialect: SqlDialect,
  table: (name: string) => string,
): Promise<void> {
  const names = `select name from ${table('migrations')}`;
  // Asked first, so that a host whose user may not create tables can have made them before.
  const known = await run(names).catch(() => undefined);
  const done = new Set(known?.rows.map(({ name }) => name));
  const missing = migrations.filter(({ name }) => !done.has(name));
  if (missing.length === 0) return;
  if (known === undefined) {
    await inRace(() =>
      run(`create table if not exists ${table('migrations')} (name ${dialect.keyType(64)} primary key)`),
    );
  }
  const { begin, end } = dialect.insertUnlessThere;
  for (const { name, statements } of missing) {
    for (const statement of statements(dialect, table)) await inRace(() => run(statement));
    await run(`${begin} ${table('migrations')} (name) values (${dialect.parameter(1)}) ${end}`, [name]);
  }
}

/** PostgreSQL may refuse the slower of two that create the same table at once, although each says IF NOT EXISTS. */
async function inRace(create: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await create();
      return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}
