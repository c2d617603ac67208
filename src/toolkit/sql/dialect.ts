/** The SQL databases that are spoken. MariaDB speaks as MySQL does. */
export type DialectName = 'sqlite' | 'postgres' | 'mysql';

/** What is written differently for each database. */
export interface SqlDialect {
  readonly name: DialectName;
  /** Text of any length, compared byte by byte. */
  readonly textType: string;
  /** Short ASCII text, compared byte by byte, fit for an index. */
  keyType(length: number): string;
  /** Makes a name usable whatever it is; quotes in it are doubled. */
  quote(identifier: string): string;
  /** Numbered from 1. */
  parameter(number: number): string;
  /** Begins a statement that leaves out rows which are there already, and ends it. */
  readonly insertUnlessThere: { readonly begin: string; readonly end: string };
  /**
   * Inserts all rows of one parameter: a JSON array of arrays of strings and nulls, in the order of the columns. One
   * statement text for any number of rows, so that nothing is compiled per batch.
   */
  insertRows(insert: RowInsert): string;
}

export interface RowInsert {
  /** Quoted. */
  readonly table: string;
  readonly columns: readonly string[];
  /** Columns of the key that tells rows apart. */
  readonly key: readonly string[];
  /** A column that is the same whole number in all rows: the first parameter, before the rows. */
  readonly number?: string | undefined;
  /** What becomes of a row that is there already. */
  readonly whenThere: 'replace' | 'keep';
}

const sqlite: SqlDialect = {
  name: 'sqlite',
  textType: 'text',
  keyType: () => 'text',
  quote: doubleQuoted,
  parameter: () => '?',
  insertUnlessThere: { begin: 'insert into', end: 'on conflict do nothing' },
  insertRows(insert) {
    const values = [...numberOf(insert), ...insert.columns.map((_, index) => `value ->> ${index}`)];
    // Without the condition SQLite takes ON for the beginning of a join.
    return `${into(insert, doubleQuoted)} select ${values.join(', ')} from json_each(?) where true ${onConflict(insert)}`;
  },
};

const postgres: SqlDialect = {
  name: 'postgres',
  textType: 'text',
  keyType: (length) => `varchar(${length}) collate "C"`,
  quote: doubleQuoted,
  parameter: (number) => `$${number}`,
  insertUnlessThere: { begin: 'insert into', end: 'on conflict do nothing' },
  insertRows(insert) {
    const values = insert.columns.map((_, index) => `line ->> ${index}`);
    const number = insert.number === undefined ? [] : ['cast($1 as bigint)'];
    const from = `json_array_elements(cast($${number.length + 1} as json)) as incoming (line)`;
    return `${into(insert, doubleQuoted)} select ${[...number, ...values].join(', ')} from ${from} ${onConflict(insert)}`;
  },
};

const mysql: SqlDialect = {
  name: 'mysql',
  textType: 'longtext character set utf8mb4 collate utf8mb4_bin',
  keyType: (length) => `varchar(${length}) character set ascii collate ascii_bin`,
  quote: backQuoted,
  parameter: () => '?',
  insertUnlessThere: { begin: 'insert ignore into', end: '' },
  // JSON_TABLE: MySQL 8.0.4, MariaDB 10.6.
  insertRows(insert) {
    const names = insert.columns.map((_, index) => `line_${index}`);
    const columns = names.map((name, index) => `${name} longtext path '$[${index}]'`);
    const from = `json_table(?, '$[*]' columns (${columns.join(', ')})) as incoming`;
    const changed = insert.whenThere === 'keep' ? insert.key.slice(0, 1) : others(insert);
    const change = changed.map((column) => {
      const name = backQuoted(column);
      return `${name} = ${insert.whenThere === 'keep' ? `${insert.table}.${name}` : `values(${name})`}`;
    });
    return `${into(insert, backQuoted)} select ${[...numberOf(insert), ...names].join(', ')} from ${from} on duplicate key update ${change.join(', ')}`;
  },
};

export const dialects: Readonly<Record<DialectName, SqlDialect>> = { sqlite, postgres, mysql };

function into(insert: RowInsert, quote: (name: string) => string): string {
  const { table, columns, number } = insert;
  const all = number === undefined ? columns : [number, ...columns];
  return `insert into ${table} (${all.map(quote).join(', ')})`;
}

function numberOf({ number }: RowInsert): string[] {
  return number === undefined ? [] : ['?'];
}

function onConflict(insert: RowInsert): string {
  const key = insert.key.map(doubleQuoted).join(', ');
  if (insert.whenThere === 'keep') return `on conflict (${key}) do nothing`;
  const change = others(insert).map((column) => `${doubleQuoted(column)} = excluded.${doubleQuoted(column)}`);
  return `on conflict (${key}) do update set ${change.join(', ')}`;
}

function others({ columns, key, number }: RowInsert): string[] {
  return [...columns, ...(number === undefined ? [] : [number])].filter((column) => !key.includes(column));
}

function doubleQuoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

function backQuoted(identifier: string): string {
  return `\`${identifier.replaceAll('`', '``')}\``;
}
