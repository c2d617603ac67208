import type { CompilableQuery, KeysetConfig, PolledConfig } from './config.js';
import { type Column, type Engine, quoted, type Run, type TableFacts } from './engine/engine.js';
import { configError } from './failure.js';

/** What is read: a table, a view or a query, with the columns it has now. */
export interface Relation {
  readonly engine: Engine;
  /** As it stands in events and their ids. */
  readonly name: string;
  /** SQL, with the parameters it needs. */
  readonly from: string;
  readonly parameters: readonly unknown[];
  readonly columns: readonly Column[];
  readonly key: readonly Column[];
  /** Undefined for a query. */
  readonly facts: TableFacts | undefined;
}

/** The columns that a keyset goes by: the cursor column where there is one, then the key. */
export interface Keyset extends Relation {
  readonly cursor: Column | undefined;
  readonly order: readonly Column[];
}

/** How the name of a table without a schema is written in events. */
export function relationName({ schema, table }: { schema?: string | undefined; table?: string | undefined }): string {
  const name = table ?? 'query';
  return schema === undefined ? name : `${schema}.${name}`;
}

/**
 * Looks it up in the catalogue.
 *
 * @returns undefined for a query without rows, whose columns nobody can tell
 * @throws ConfigError when the table or a column is not there, or nothing tells its rows apart
 */
export async function findRelation(
  engine: Engine,
  run: Run,
  config: PolledConfig,
  sourceId: string,
): Promise<Relation | undefined> {
  const found =
    config.table === undefined ? await ofQuery(engine, run, config) : await ofTable(engine, run, config, sourceId);
  if (found === undefined) return undefined;
  const find = (column: string): Column => findColumn(found.columns, column, found.name, sourceId);
  const names = config.key ?? found.facts?.key ?? [];
  if (names.length === 0) {
    const message = `nothing tells the rows of ${found.name} apart: it has no primary key, nor a unique one without NULL`;
    throw configError(sourceId, 'DATABASE_KEY', message, 'name the columns that do: key: [...]');
  }
  const key = names.map(find);
  const wanted = config.columns?.map(find) ?? found.columns;
  const needed = config.mode === 'keyset' ? [config.cursorColumn, config.timeColumn, config.createdColumn] : [];
  const extra = [...key, ...needed.filter((each) => each !== undefined).map(find)];
  const columns = [...new Set([...wanted, ...extra])];
  const hostile = columns.find(({ name }) => name === '__proto__');
  if (hostile !== undefined) {
    throw configError(
      sourceId,
      'DATABASE_COLUMN',
      `a column of ${found.name} is called __proto__, which JavaScript cannot hold`,
      'leave it out: columns: [...]',
    );
  }
  return { ...found, columns, key };
}

export function toKeyset(relation: Relation, { cursorColumn }: KeysetConfig, sourceId: string): Keyset {
  const { key, columns, name } = relation;
  const cursor = cursorColumn === undefined ? undefined : findColumn(columns, cursorColumn, name, sourceId);
  const isInKey = cursor !== undefined && key.includes(cursor);
  const rest = isInKey ? key.filter((column) => column !== cursor) : key;
  return { ...relation, cursor, order: cursor === undefined ? key : [cursor, ...rest] };
}

type Found = Omit<Relation, 'key'>;

async function ofTable(engine: Engine, run: Run, config: PolledConfig, sourceId: string): Promise<Found> {
  const name = { schema: config.schema, table: config.table ?? '' };
  const facts = await engine.table(run, name);
  if (facts === undefined) {
    const message = `there is no table or view ${relationName(name)} that this user sees`;
    throw configError(sourceId, 'DATABASE_TABLE', message, 'check its name (case counts), and its schema');
  }
  const from = quoted(engine.dialect, { schema: config.schema ?? undefined, table: facts.table });
  return { engine, name: relationName(name), from, parameters: [], columns: facts.columns, facts };
}

async function ofQuery(engine: Engine, run: Run, config: PolledConfig): Promise<Found | undefined> {
  const { sql, parameters } = compiled(config.query);
  // On lines of its own, so that a comment at its end hides nothing.
  const from = `(\n${sql}\n)`;
  const columns = await engine.queryColumns(run, from, parameters);
  if (columns.length === 0) return undefined;
  return { engine, name: relationName(config), from, parameters, columns, facts: undefined };
}

function compiled(query: PolledConfig['query']): { sql: string; parameters: readonly unknown[] } {
  if (query === undefined) throw new Error('neither a table nor a query');
  if ('sql' in query) return query;
  return (query as CompilableQuery).compile();
}

function findColumn(columns: readonly Column[], name: string, of: string, sourceId: string): Column {
  const found = columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  const message = `${of} has no column ${JSON.stringify(name)}`;
  throw configError(sourceId, 'DATABASE_COLUMN', message, `it has ${columns.map((column) => column.name).join(', ')}`);
}
