import { dialects } from '../../../toolkit/sql/dialect.js';
import { type Column, type Engine, quoted, type Row, type Run, type TableFacts, type TableName } from './engine.js';
import { type DatabaseValue, finite, isBytes } from './values.js';

const dialect = dialects.sqlite;

/**
 * SQLite: one statement is one snapshot, so there is no transaction that could get in the way of the host's own on the
 * one connection there is.
 * @see https://www.sqlite.org/datatype3.html (affinity), https://www.sqlite.org/rowvalue.html
 */
export const sqlite: Engine = {
  name: 'sqlite',
  dialect,
  comparesRows: true,
  open: async (run) => ({ run, end: async () => {} }),
  async identity(run) {
    const [row] = await run(`select file from pragma_database_list where name = 'main'`);
    return `sqlite:${row?.['file']}`;
  },
  table: tableFacts,
  async queryColumns(run, from, parameters) {
    const [row] = await run(`select t.* from ${from} as t limit 1`, parameters);
    return Object.keys(row ?? {}).map((name) => toColumn({ name, type: '', notnull: 0 }));
  },
};

async function tableFacts(run: Run, { schema, table }: TableName): Promise<TableFacts | undefined> {
  const master = `${dialect.quote(schema ?? 'main')}.sqlite_master`;
  const of = [table, schema ?? 'main'];
  const schemas = await run('select name from pragma_database_list');
  if (schema !== undefined && !schemas.some(({ name }) => name === schema)) return undefined;
  const [found] = await run(`select name, type, sql from ${master} where name = ? and type in ('table', 'view')`, [
    table,
  ]);
  if (found === undefined) return undefined;
  const rows = await run('select * from pragma_table_xinfo(?, ?) where hidden <> 1', of);
  const columns = rows.map(toColumn);
  const primary = rows
    .filter(({ pk }) => Number(pk) > 0)
    .sort((left, right) => Number(left['pk']) - Number(right['pk']));
  const indexes = [primary.map(({ name }) => String(name))];
  for (const index of await run('select name from pragma_index_list(?, ?) where partial = 0', of)) {
    const parts = await run('select name from pragma_index_info(?, ?) order by seqno', [
      index['name'],
      schema ?? 'main',
    ]);
    indexes.push(parts.map(({ name }) => String(name ?? '')));
  }
  const isReused =
    primary.length === 1 &&
    /^integer$/i.test(String(primary[0]?.['type'])) &&
    !/\bautoincrement\b/i.test(String(found['sql']));
  return {
    schema,
    table,
    isView: found['type'] === 'view',
    columns: columns.map((column) =>
      isReused && column.name === primary[0]?.['name'] ? { ...column, isNullable: false } : column,
    ),
    key: primary.map(({ name }) => String(name)),
    indexes,
    ...(isReused && {
      warning: {
        code: 'DATABASE_KEY_REUSED',
        message: `the number of ${quoted(dialect, { table })}'s last row is given to another row when it was deleted`,
        fix: 'declare the key INTEGER PRIMARY KEY AUTOINCREMENT, or never delete the newest row',
      },
    }),
  };
}

type Affinity = 'integer' | 'text' | 'none' | 'real' | 'numeric';

function affinityOf(type: string): Affinity {
  if (/int/i.test(type)) return 'integer';
  if (/char|clob|text/i.test(type)) return 'text';
  if (type === '' || /blob/i.test(type)) return 'none';
  return /real|floa|doub/i.test(type) ? 'real' : 'numeric';
}

/** SQLite's own integers, beyond what a driver gives exactly. */
const BIG = /^-?\d{16,19}$/;

/** In SQLite each value has its type, so the text of a position says which: `i42`, `r0.5`, `tfoo`, `bAAE=`. */
function toColumn({ name, type, notnull }: Row): Column {
  const affinity = affinityOf(String(type));
  const isWhole = affinity === 'integer' || affinity === 'numeric';
  const plain = (reference: string): string => reference;
  // Drivers round integers beyond 2^53 without a word.
  const exact = (reference: string): string =>
    `iif(${reference} between ${Number.MIN_SAFE_INTEGER} and ${Number.MAX_SAFE_INTEGER} or typeof(${reference}) <> 'integer', ${reference}, cast(${reference} as text))`;
  return {
    name: String(name),
    type: String(type),
    isNullable: Number(notnull) === 0,
    select: affinity === 'text' ? plain : exact,
    // Any number so large may be a rounded one.
    quickly: affinity === 'text' ? undefined : { select: plain, isDoubtful: isLarge },
    decode,
    toText(value) {
      if (isBytes(value)) return `b${value.data_base64}`;
      if (typeof value === 'number') return Number.isSafeInteger(value) ? `i${value}` : `r${value}`;
      const text = String(value);
      return isWhole && BIG.test(text) ? `i${text}` : `t${text}`;
    },
    parameter(text) {
      const value = text.slice(1);
      if (text.startsWith('b')) return Buffer.from(value, 'base64');
      return text.startsWith('r') ? Number(value) : value;
    },
    // The sign takes the affinity away again, which would change what it is compared with.
    compared: (placeholder, text) => (text.startsWith('i') ? `+cast(${placeholder} as integer)` : placeholder),
  };
}

function isLarge(value: unknown): boolean {
  return typeof value === 'number' && (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER);
}

function decode(value: unknown): DatabaseValue {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return finite(value);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof ArrayBuffer) return { data_base64: Buffer.from(value).toString('base64') };
  if (ArrayBuffer.isView(value)) {
    return { data_base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
  }
  return value as DatabaseValue;
}
