import { dialects } from '../../../toolkit/sql/dialect.js';
import {
  asText,
  type Column,
  type Engine,
  quoted,
  type Row,
  type Run,
  type Session,
  type SessionOptions,
  type TableFacts,
} from './engine.js';
import { type Bytes, bytesOfHex, finite, instantOf } from './values.js';

const dialect = dialects.postgres;

/**
 * On a standby the list of running transactions is empty whatever runs, so there everything from the oldest of them on
 * counts as running.
 */
const SNAPSHOT = `case when pg_is_in_recovery()
  then pg_snapshot_xmin(pg_current_snapshot())::text || ':' || pg_snapshot_xmin(pg_current_snapshot())::text || ':'
  else pg_current_snapshot()::text end`;

/** The cluster, and how often its history was forked: a promoted standby counts its transactions anew. */
const SERVER = `(select system_identifier::text from pg_control_system()) || '/' || case when pg_is_in_recovery()
  then (select timeline_id::text from pg_control_checkpoint())
  else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int::text end`;

const SEEN = `${SNAPSHOT} as snapshot, ${SERVER} as server`;

/**
 * PostgreSQL 13 and later. What is set is set for the transaction only, so that a connection goes back to its pool as it
 * came.
 * @see https://www.postgresql.org/docs/current/functions-info.html (snapshots), functions-admin.html (set_config)
 */
export const postgres: Engine = {
  name: 'postgres',
  dialect,
  comparesRows: true,
  open,
  async cancel(run, connection, mark) {
    await run(
      `select pg_cancel_backend(pid) from pg_stat_activity where ($1::int is null or pid = $1::int)
         and pid <> pg_backend_pid() and state = 'active' and query like '%' || $2::text || '%'`,
      [connection ?? null, mark],
    );
  },
  seen: SEEN,
  async identity(run) {
    const [row] = await run(
      'select system_identifier::text as server, current_database() as base from pg_control_system()',
    );
    return `postgres:${row?.['server']}/${row?.['base']}`;
  },
  table: tableFacts,
  queryColumns,
  ago: ({ time }, milliseconds) => {
    if (time === undefined) return undefined;
    // A time without a zone is taken for UTC, which is what the session is set to.
    return `(now() - ${milliseconds} * interval '1 millisecond')${time === 'local' ? '::timestamp' : ''}`;
  },
};

const SETTINGS = { TimeZone: 'UTC', DateStyle: 'ISO, YMD', extra_float_digits: '1', lc_monetary: 'C' };
const set = Object.entries(SETTINGS)
  .map(([name, value]) => `set_config('${name}', '${value}', true)`)
  .join(', ');

async function open(run: Run, { statementTimeoutMs, exported }: SessionOptions): Promise<Session> {
  await run('start transaction isolation level repeatable read read only');
  if (exported !== undefined) await run(`set transaction snapshot '${exported.replaceAll("'", "''")}'`);
  const end = async (committed: boolean): Promise<void> => void (await run(committed ? 'commit' : 'rollback'));
  try {
    const [row] = await run(
      `select ${set}, set_config('statement_timeout', '${Math.ceil(statementTimeoutMs)}', true),
        pg_backend_pid()::text as connection, ${SEEN}`,
    );
    const { connection, snapshot, server } = row as Record<'connection' | 'snapshot' | 'server', string>;
    return { run, connection, snapshot, server, end };
  } catch (error) {
    await end(false).catch(() => {});
    throw error;
  }
}

const TABLE = `select c.oid::text as oid, n.nspname as schema, c.relname as name, c.relkind::text as kind,
    c.reltuples::bigint::text as rows
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)`;

const COLUMNS = `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as "isRequired",
    coalesce(b.typname, t.typname) as base
  from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_type b on b.oid = t.typbasetype and t.typtype = 'd'
  where a.attrelid = $1::oid and a.attnum > 0 and not a.attisdropped order by a.attnum`;

const INDEXES = `select i.indisprimary as "isPrimary",
    i.indisunique and i.indimmediate and i.indpred is null as "isUnique",
    (select json_agg(a.attname order by k.at)::text from unnest(i.indkey::int2[]) with ordinality k (number, at)
      left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number where k.at <= i.indnkeyatts) as columns
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
  where i.indrelid = $1::oid and i.indisvalid and i.indpred is null and m.amname = 'btree'
  order by i.indisprimary desc, c.relname`;

async function tableFacts(
  run: Run,
  name: { schema?: string | undefined; table: string },
): Promise<TableFacts | undefined> {
  const [found] = await run(TABLE, [quoted(dialect, name)]);
  // A name that is too long is cut before it is looked up.
  if (found === undefined || found['name'] !== name.table) return undefined;
  const columns = (await run(COLUMNS, [found['oid']])).map(toColumn);
  const indexes = (await run(INDEXES, [found['oid']])).map(({ isPrimary, isUnique, columns: of }) => ({
    isPrimary: isPrimary === true,
    isUnique: isUnique === true,
    columns: (JSON.parse(String(of)) as (string | null)[]).map((column) => column ?? ''),
  }));
  const isRequired = (column: string): boolean => columns.some((each) => each.name === column && !each.isNullable);
  const key =
    indexes.find(({ isPrimary }) => isPrimary) ??
    indexes.find((index) => index.isUnique && index.columns.every(isRequired));
  const rows = Number(found['rows']);
  return {
    schema: String(found['schema']),
    table: name.table,
    isView: !['r', 'p'].includes(String(found['kind'])),
    columns,
    key: key?.columns ?? [],
    indexes: indexes.map((index) => index.columns),
    rows: rows < 0 ? undefined : rows,
  };
}

async function queryColumns(run: Run, from: string, parameters: readonly unknown[]): Promise<readonly Column[]> {
  const [row] = await run(`select to_jsonb(t)::text as row from ${from} as t limit 1`, parameters);
  if (row === undefined) return [];
  // jsonb does not keep the order, the row of the driver does.
  const [whole] = await run(`select t.* from ${from} as t limit 1`, parameters);
  const names = Object.keys(whole ?? {});
  if (names.length === 0) return [];
  const types = names.map((name, index) => `pg_typeof(t.${dialect.quote(name)})::text as "${index}"`);
  const [typed] = await run(`select ${types.join(', ')} from ${from} as t limit 1`, parameters);
  return names.map((name, index) => {
    const type = String(typed?.[String(index)]);
    return toColumn({ name, type, isRequired: false, base: BASES[type] ?? type });
  });
}

/** The names that `pg_typeof` has for what the catalogue calls otherwise. */
const BASES: Readonly<Record<string, string>> = {
  boolean: 'bool',
  smallint: 'int2',
  integer: 'int4',
  bigint: 'int8',
  real: 'float4',
  'double precision': 'float8',
  'timestamp with time zone': 'timestamptz',
  'timestamp without time zone': 'timestamp',
};

function toColumn({ name, type, isRequired, base }: Row): Column {
  const common = {
    name: String(name),
    type: String(type),
    isNullable: isRequired !== true,
    ...asText,
    compared: (placeholder: string) => `${placeholder}::${type}`,
  };
  const text = (reference: string): string => `${reference}::text`;
  switch (base) {
    case 'bool':
    case 'int2':
    case 'int4':
      return { ...common, select: (reference) => reference };
    case 'float4':
    case 'float8':
      return { ...common, select: (reference) => reference, decode: (value) => finite(Number(value)) };
    case 'timestamptz':
      return { ...common, select: text, decode: (value) => instant(String(value)), time: 'instant' };
    case 'timestamp':
      return { ...common, select: text, time: 'local' };
    case 'bytea':
      return {
        ...common,
        select: (reference) => `encode(${reference}, 'hex')`,
        decode: (value) => bytesOfHex(String(value)),
        toText: (value) => (value as Bytes).data_base64,
        compared: (placeholder) => `decode(${placeholder}, 'base64')`,
      };
    case 'xid8':
      return { ...common, select: text, isTransactionId: true };
    default:
      return { ...common, select: text };
  }
}

/** A `timestamptz` as text, in a session whose zone is UTC. */
export function instant(text: string): string {
  return text.endsWith('+00') ? instantOf(text.slice(0, -3)) : text;
}
