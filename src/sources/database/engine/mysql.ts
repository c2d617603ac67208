import { dialects } from '../../../toolkit/sql/dialect.js';
import {
  asText,
  type Column,
  type Engine,
  type Row,
  type Run,
  type Session,
  type SessionOptions,
  type TableFacts,
  type TableName,
} from './engine.js';
import { type Bytes, bytesOfHex, finite, instantOf } from './values.js';

const dialect = dialects.mysql;

/**
 * MySQL 8 and MariaDB. What is set on the connection is put back before it returns to its pool.
 * @see https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html, https://mariadb.com/kb/en/server-system-variables/
 */
export const mysql: Engine = {
  name: 'mysql',
  dialect,
  // Neither answers a comparison of rows from an index.
  comparesRows: false,
  open,
  async cancel(run, connection, mark) {
    const [found] = await run(
      `select id from information_schema.processlist where id = ? and id <> connection_id() and info like concat('%', ?, '%')`,
      [Number(connection), mark],
    );
    if (found !== undefined) await run(`kill query ${Number(connection)}`);
  },
  async identity(run) {
    const [row] = await run('select database() as base');
    return `mysql:${serverOf(await variables(run))}/${row?.['base']}`;
  },
  table: tableFacts,
  queryColumns,
  ago: ({ time }, milliseconds) =>
    time === undefined ? undefined : `(utc_timestamp(6) - interval ${milliseconds * 1_000} microsecond)`,
};

const VARIABLES = ['time_zone', 'sql_mode', 'max_statement_time', 'max_execution_time', 'server_uuid', 'server_id'];

async function variables(run: Run): Promise<ReadonlyMap<string, string>> {
  const names = VARIABLES.map((name) => `'${name}'`).join(', ');
  const rows = await run(`show variables where variable_name in (${names})`);
  return new Map(rows.map((row) => [String(row['Variable_name']), String(row['Value'])]));
}

/** MariaDB has no UUID of its own. */
function serverOf(values: ReadonlyMap<string, string>): string {
  return values.get('server_uuid') ?? values.get('server_id') ?? '';
}

async function open(run: Run, { statementTimeoutMs }: SessionOptions): Promise<Session> {
  const before = await variables(run);
  const [row] = await run('select cast(connection_id() as char) as connection');
  // Milliseconds in MySQL, seconds in MariaDB.
  const isMariadb = before.has('max_statement_time');
  const timeout = isMariadb ? 'max_statement_time' : 'max_execution_time';
  const set = (zone: string, mode: string, limit: number): Promise<unknown> =>
    run(`set session time_zone = ?, sql_mode = ?, ${timeout} = ${limit}`, [zone, mode]);
  const { time_zone: zone = '', sql_mode: mode = '', [timeout]: limit } = Object.fromEntries(before);
  const end = async (committed: boolean): Promise<void> => {
    try {
      await run(committed ? 'commit' : 'rollback');
    } finally {
      await set(zone, mode, Number(limit));
    }
  };
  try {
    // The driver writes values into the statement with backslashes, which would mean something else with this mode.
    const plain = mode.split(',').filter((each) => each !== 'NO_BACKSLASH_ESCAPES');
    await set('+00:00', plain.join(','), isMariadb ? statementTimeoutMs / 1_000 : Math.ceil(statementTimeoutMs));
    await run('set transaction isolation level repeatable read');
    await run('start transaction with consistent snapshot, read only');
  } catch (error) {
    await end(false).catch(() => {});
    throw error;
  }
  return { run, connection: String(row?.['connection']), server: serverOf(before), end };
}

const COLUMNS = `select column_name as name, column_type as type, data_type as base, is_nullable as nullable, extra as extra,
    numeric_precision as digits, numeric_scale as scale, table_schema as base_schema, table_name as table_name
  from information_schema.columns where table_schema = coalesce(?, database()) and table_name = ? order by ordinal_position`;

const INDEXES = `select index_name as name, non_unique as others, column_name as column_name
  from information_schema.statistics where table_schema = coalesce(?, database()) and table_name = ? and index_type = 'BTREE'
  order by index_name = 'PRIMARY' desc, index_name, seq_in_index`;

const TABLE = `select table_type as type, engine as engine, table_rows as size from information_schema.tables
  where table_schema = coalesce(?, database()) and table_name = ?`;

async function tableFacts(run: Run, { schema, table }: TableName): Promise<TableFacts | undefined> {
  const names = [schema ?? null, table];
  const rows = await run(COLUMNS, names);
  const [found] = await run(TABLE, names);
  if (rows.length === 0 || found === undefined) return undefined;
  const columns = rows.map(toColumn);
  const indexes = new Map<string, { isUnique: boolean; columns: string[] }>();
  for (const { name, others, column_name: column } of await run(INDEXES, names)) {
    const index = indexes.get(String(name)) ?? { isUnique: Number(others) === 0, columns: [] };
    index.columns.push(String(column ?? ''));
    indexes.set(String(name), index);
  }
  const isRequired = (column: string): boolean => columns.some((each) => each.name === column && !each.isNullable);
  const key = [...indexes.values()].find((index) => index.isUnique && index.columns.every(isRequired));
  return {
    schema,
    table,
    isView: found['type'] !== 'BASE TABLE',
    columns,
    key: key?.columns ?? [],
    indexes: [...indexes.values()].map((index) => index.columns),
    rows: found['size'] === null ? undefined : Number(found['size']),
    ...(!['InnoDB', null].includes(found['engine'] as string | null) && {
      warning: {
        code: 'DATABASE_STORAGE',
        message: `the table is kept by ${found['engine']}, which has no transactions`,
        fix: 'alter table … engine = InnoDB',
      },
    }),
  };
}

/** Types are not told here: every value is the text that the server has for it. */
async function queryColumns(run: Run, from: string, parameters: readonly unknown[]): Promise<readonly Column[]> {
  const [row] = await run(`select t.* from ${from} as t limit 1`, parameters);
  return Object.keys(row ?? {}).map((name) =>
    toColumn({ name, type: 'text', base: 'unknown', nullable: 'YES', extra: '' }),
  );
}

function toColumn({ name, type, base, nullable, extra, digits, scale }: Row): Column {
  const isUnsigned = String(type).includes('unsigned');
  const common = {
    name: String(name),
    type: String(type),
    isNullable: nullable === 'YES',
    isAutoIncrement: String(extra).includes('auto_increment'),
    ...asText,
    compared: (placeholder: string) => placeholder,
  };
  const plain = (reference: string): string => reference;
  const text = (reference: string): string => `cast(${reference} as char)`;
  const whole = { compared: (placeholder: string) => `cast(${placeholder} as ${isUnsigned ? 'unsigned' : 'signed'})` };
  switch (base) {
    case 'tinyint':
    case 'smallint':
    case 'mediumint':
    case 'int':
    case 'year':
      return { ...common, ...whole, select: plain };
    case 'bigint':
      return { ...common, ...whole, select: text };
    case 'bit':
      return { ...common, select: (reference) => `cast(${reference} + 0 as char)` };
    case 'decimal':
      return {
        ...common,
        select: text,
        compared: (placeholder) => `cast(${placeholder} as decimal(${digits}, ${scale}))`,
      };
    case 'float':
    case 'double': {
      const select = (reference: string): string => `${reference} + 0e0`;
      return {
        ...common,
        select,
        decode: (value) => finite(Number(value)),
        compared: (placeholder) => `(${placeholder} + 0e0)`,
      };
    }
    case 'timestamp':
      return { ...common, ...dateTime, select: text, decode: (value) => instantOf(String(value)), time: 'instant' };
    case 'datetime':
      return { ...common, ...dateTime, select: text, time: 'local' };
    case 'date':
    case 'time':
      return {
        ...common,
        select: text,
        compared: (placeholder) => `cast(${placeholder} as ${base}${base === 'time' ? '(6)' : ''})`,
      };
    case 'char':
    case 'varchar':
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
    case 'enum':
    case 'set':
      return { ...common, select: plain };
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
      return {
        ...common,
        select: (reference) => `hex(${reference})`,
        decode: (value) => bytesOfHex(String(value)),
        toText: (value) => (value as Bytes).data_base64,
        parameter: (base64) => Buffer.from(base64, 'base64'),
      };
    case 'geometry':
    case 'point':
    case 'linestring':
    case 'polygon':
      return { ...common, select: (reference) => `st_astext(${reference})` };
    default:
      return { ...common, select: text };
  }
}

/** The server does not take the letters of RFC 3339. */
const dateTime = {
  parameter: (text: string): unknown => text.replace('T', ' ').replace('Z', ''),
  compared: (placeholder: string): string => `cast(${placeholder} as datetime(6))`,
};
