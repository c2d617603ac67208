import * as z from 'zod';

/** The host's Kysely, of whatever tables. Not a transaction: that belongs to somebody else. */
export interface KyselyInstance {
  readonly isTransaction: boolean;
  getExecutor(): object;
  connection(): object;
  destroy(): Promise<void>;
}

/** A query of Kysely's builder, or anything else that compiles to SQL. */
export interface CompilableQuery {
  compile(): { readonly sql: string; readonly parameters: readonly unknown[] };
}

const kysely = z.custom<KyselyInstance>(
  (value) =>
    isObjectWith(value, 'getExecutor') && isObjectWith(value, 'connection') && value['isTransaction'] === false,
  'expected a Kysely instance (not a transaction), or a URL such as postgres://host/database, mysql://…, sqlite:file',
);

const url = z
  .string()
  .regex(
    /^(postgres|postgresql|mysql|mariadb|sqlite):/,
    'expected a URL: postgres://host/database, mysql://…, sqlite:file',
  )
  .refine((value) => !/^[a-z]+:\/\/[^/?#]*@/i.test(value), {
    error: 'must not hold a user or password: put them, or the whole URL, into credentials',
  });

const name = z.string().min(1);
const query = z.union([
  z.custom<CompilableQuery>(
    (value) => isObjectWith(value, 'compile'),
    'expected a query of Kysely, or { sql, parameters }',
  ),
  z.strictObject({ sql: z.string().min(1), parameters: z.array(z.unknown()).default([]) }),
]);

const what = {
  /** The host's Kysely instance, or a URL without user info. Default: the URL of the credentials. */
  database: z.union([kysely, url]).optional(),
  /** The table or view to read: its exact name. */
  table: name.optional(),
  /** Schema (MySQL: database) of the table. Default: where the connection looks. */
  schema: name.optional(),
  /** Instead of a table: a query of Kysely or SQL. It is read as a table is, and must not end in `order by` or `limit`. */
  query: query.optional(),
  /** Columns that tell one row from all others. Default: the primary key. Needed for views and queries. */
  key: z.union([name.transform((column) => [column]), z.array(name).min(1)]).optional(),
  /** Columns that are read besides those that are needed. Default: all. */
  columns: z.array(name).min(1).optional(),
  /** Rows read at once. */
  pageSize: z.int().min(1).max(100_000).default(1_000),
  /** With `follow`: how often is looked for changes, in milliseconds. */
  pollIntervalMs: z.int().positive().default(5_000),
  /** The server gives up a statement that takes longer, in milliseconds. SQLite: without effect. */
  statementTimeoutMs: z.int().positive().default(30_000),
};

const milliseconds = z
  .int()
  .positive()
  .max(86_400_000 * 30);

const keyset = z.strictObject({
  mode: z.literal('keyset'),
  ...what,
  /**
   * A column that grows with every change: `updated_at`, a version, or (PostgreSQL) an `xid8`. Default: none; then rows
   * are read in the order of the key, which must grow, and `appendOnly` is meant.
   */
  cursorColumn: name.optional(),
  /** Where the time of events comes from. Default: the cursor column, if it is a time with a zone. */
  timeColumn: name.optional(),
  /** A column that equals the cursor column as long as a row was never changed: tells inserted from updated. */
  createdColumn: name.optional(),
  /** Rows never change: every event is `db.row.inserted`. Default: true without a cursor column of its own. */
  appendOnly: z.boolean().optional(),
  /**
   * Rows whose cursor column is NULL: 'error', 'skip' them, or read them 'first' (those that come later are seen only
   * where late commits are told by transactions).
   */
  nulls: z.enum(['error', 'skip', 'first']).default('error'),
  /**
   * How rows are found that are committed after later ones were read. 'auto': the best there is. `{ lagMs }`: rows are
   * read when they are so old; what takes longer to commit is missed. `{ watchMs }` (MySQL, auto-increment): missing
   * numbers are looked for so long. 'none': there is one writer.
   */
  lateCommits: z
    .union([
      z.enum(['auto', 'none']),
      z.strictObject({ lagMs: milliseconds }),
      z.strictObject({ watchMs: milliseconds }),
    ])
    .default('auto'),
  /** PostgreSQL, with a URL: looks at once when this channel is notified (LISTEN). Polling goes on beside it. */
  notifyChannel: name.optional(),
});

const snapshot = z.strictObject({ mode: z.literal('snapshot'), ...what });

const capturedTable = z.union([
  name.transform((table) => ({ table })),
  z.strictObject({ schema: name.optional(), table: name }),
]);

const replication = z.strictObject({
  mode: z.literal('replication'),
  /** The URL of a PostgreSQL server, without user info. A Kysely instance does not replicate. */
  database: what.database,
  /** The tables whose changes are read: exact names, or `{ schema, table }`. All of them are in the publication. */
  tables: z.array(capturedTable).min(1),
  /** Name of the logical replication slot, which is this source's alone. */
  slot: z.string().regex(/^[a-z0-9_]{1,63}$/, 'expected the name of a slot: a-z, 0-9 and _, at most 63'),
  publication: name,
  /** Makes publication and slot when they are not there. They are never dropped but by `dropReplicationSlot()`. */
  create: z.boolean().default(false),
  /** 'initial': without a cursor the rows that are there come first, then every change after them. */
  snapshot: z.enum(['initial', 'never']).default('initial'),
  /**
   * How long, in milliseconds, an acknowledged commit is kept on the server before it is confirmed: longer than the host
   * takes to save the cursor. 0 where the cursor is saved before the batch is acknowledged (`ingest`).
   */
  confirmDelayMs: z.int().min(0).max(3_600_000).default(5_000),
  pageSize: what.pageSize,
  statementTimeoutMs: what.statementTimeoutMs,
});

/** What `DatabaseSource.create` takes as `config`. */
export const databaseConfig = z
  .discriminatedUnion('mode', [keyset, snapshot, replication])
  .refine((config) => config.mode === 'replication' || (config.table === undefined) !== (config.query === undefined), {
    error: 'expected a table or a query, one of them',
    path: ['table'],
  })
  .refine((config) => config.mode === 'replication' || config.query === undefined || config.key !== undefined, {
    error: 'a query needs a key: the columns that tell its rows apart',
    path: ['key'],
  });

const text = z.string().min(1);

/** What `DatabaseSource.create` takes as `credentials`. */
export const databaseCredentials = z.union([
  /** The whole URL, with user and password. */
  z.strictObject({ url: text }),
  z.strictObject({ user: text, password: z.string().optional() }),
]);

export type DatabaseConfig = z.output<typeof databaseConfig>;
export type DatabaseConfigInput = z.input<typeof databaseConfig>;
export type DatabaseCredentials = z.input<typeof databaseCredentials>;
export type KeysetConfig = Extract<DatabaseConfig, { mode: 'keyset' }>;
export type SnapshotConfig = Extract<DatabaseConfig, { mode: 'snapshot' }>;
export type ReplicationConfig = Extract<DatabaseConfig, { mode: 'replication' }>;
/** The modes that read one table or query, again and again. */
export type PolledConfig = KeysetConfig | SnapshotConfig;

function isObjectWith(value: unknown, method: string): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[method] === 'function'
  );
}
