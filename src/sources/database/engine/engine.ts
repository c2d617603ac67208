import type { DialectName, SqlDialect } from '../../../toolkit/sql/dialect.js';
import type { DatabaseValue } from './values.js';

export type Row = Record<string, unknown>;
export type Run = (sql: string, parameters?: readonly unknown[]) => Promise<readonly Row[]>;

/** How the values of a column are read exactly, kept as text, and compared with. */
export interface Column {
  readonly name: string;
  /** As the database writes it. */
  readonly type: string;
  readonly isNullable: boolean;
  /** SQL that gives the value in a form that no driver changes; `reference` is the qualified and quoted name. */
  select(reference: string): string;
  /** The same, cheaper, and right as long as `isDoubtful` holds for no value that it gave. */
  readonly quickly?: { select(reference: string): string; isDoubtful(value: unknown): boolean } | undefined;
  /** What the driver gave, as it stands in events. Absent where nothing has to be done. */
  readonly decode?: ((value: unknown) => DatabaseValue) | undefined;
  /** The decoded value as text, of which `parameter` and `compared` make the same value again, to the last digit. */
  toText(value: DatabaseValue): string;
  parameter(text: string): unknown;
  /** SQL of the database's own type for a parameter. */
  compared(placeholder: string, text: string): string;
  /** What of its values is known: an instant (with a zone), a time of day and date without one, or nothing of the kind. */
  readonly time?: 'instant' | 'local' | undefined;
  /** Whole numbers that the database counts up by itself. */
  readonly isAutoIncrement?: boolean | undefined;
  /** PostgreSQL: the number of a transaction that never comes again. */
  readonly isTransactionId?: boolean | undefined;
}

export interface TableName {
  readonly schema?: string | undefined;
  readonly table: string;
}

/** What the catalogue knows of a table or a view. */
export interface TableFacts {
  readonly schema: string | undefined;
  readonly table: string;
  readonly isView: boolean;
  readonly columns: readonly Column[];
  /** Of the primary key, or else of the first unique index without NULLs. */
  readonly key: readonly string[];
  /** The columns of each index, in its order. */
  readonly indexes: readonly (readonly string[])[];
  /** About how many rows, where the database keeps count. */
  readonly rows?: number | undefined;
  /** What a position in it means less for: shown by `validate()`. */
  readonly warning?: { readonly code: string; readonly message: string; readonly fix: string } | undefined;
}

/** A connection within its read-only transaction. */
export interface Session {
  readonly run: Run;
  /** What the server calls this connection: needed to cancel what it does. */
  readonly connection?: string | undefined;
  /** What positions belong to: changes when the server is another one, or went back in time. */
  readonly server?: string | undefined;
  /** PostgreSQL: which transactions this session sees. */
  readonly snapshot?: string | undefined;
  /** Puts back what was set, whatever happened. */
  end(committed: boolean): Promise<void>;
}

export interface SessionOptions {
  readonly statementTimeoutMs: number;
  /** PostgreSQL: what another session sees, and let us see. */
  readonly exported?: string | undefined;
}

/** What is different about each database. */
export interface Engine {
  readonly name: DialectName;
  readonly dialect: SqlDialect;
  open(run: Run, options: SessionOptions): Promise<Session>;
  /**
   * A statement that stops what a connection does, if it still does what carries this mark. Without a connection:
   * whichever does, where the server can tell.
   */
  cancel?(run: Run, connection: string | undefined, mark: string): Promise<void>;
  /** PostgreSQL: SQL of the columns `snapshot` and `server` of a session, which any single statement may ask for. */
  readonly seen?: string | undefined;
  /** The identity of the database, for `origin`. */
  identity(run: Run): Promise<string>;
  table(run: Run, name: TableName): Promise<TableFacts | undefined>;
  /** Columns of a query, by their names; `from` is the query in brackets. */
  queryColumns(run: Run, from: string, parameters: readonly unknown[]): Promise<readonly Column[]>;
  /** Whether `(a, b) > (?, ?)` is answered from an index. */
  readonly comparesRows: boolean;
  /** SQL of the instant so many milliseconds ago, to be compared with a column. */
  ago?(column: Column, milliseconds: number): string | undefined;
}

export function quoted(dialect: SqlDialect, { schema, table }: TableName): string {
  return schema === undefined ? dialect.quote(table) : `${dialect.quote(schema)}.${dialect.quote(table)}`;
}

/** A column of text that is kept as it is. */
export const asText = {
  toText: (value: DatabaseValue): string => String(value),
  parameter: (text: string): unknown => text,
};
