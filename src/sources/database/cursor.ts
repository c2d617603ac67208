import * as z from 'zod';
import { CursorError } from '../../core/errors.js';

const values = z.array(z.string());
const transactions = z.string().regex(/^\d+:\d+:(\d+(,\d+)*)?$/, 'expected a snapshot of PostgreSQL, as text');

/** Numbers that were left out, from one to another, and when that was noticed (milliseconds since the epoch). */
const number = z.string().regex(/^-?\d+$/, 'expected a whole number, as text');
const missing = z.tuple([number, number, z.number()]);

const keysetCursor = z.strictObject({
  mode: z.literal('keyset'),
  /** What the position belongs to: the server, and the columns with their types. */
  server: z.string().optional(),
  columns: z.array(z.tuple([z.string(), z.string()])),
  /** The row up to which everything was delivered; with `to`: within that round. */
  after: values.optional(),
  /** The same among the rows whose cursor column is NULL. */
  afterNull: values.optional(),
  /** Those rows are done with. */
  nullsDone: z.boolean().optional(),
  /** PostgreSQL: the transactions whose rows were all delivered, and those whose rows are being delivered. */
  from: transactions.optional(),
  to: transactions.optional(),
  missing: z.array(missing).optional(),
  /** The first look is over. */
  loaded: z.boolean().optional(),
});

const snapshotCursor = z.strictObject({
  mode: z.literal('snapshot'),
  /** The key, with its types. */
  columns: z.array(z.tuple([z.string(), z.string()])),
  /** Counts the scans. */
  scan: z.int(),
  /** The number of the next new block of the state. */
  next: z.int(),
  /** Where a scan that is under way goes on: after this key, in this block. */
  at: z.strictObject({ after: values.optional(), block: z.string() }).optional(),
});

const lsn = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/, 'expected a position in the log of PostgreSQL');

const replicationCursor = z.strictObject({
  mode: z.literal('replication'),
  /** What the position belongs to. */
  server: z.string(),
  slot: z.string(),
  /** Up to here every commit was delivered. Absent after a gap: everything is to be read again. */
  lsn: lsn.optional(),
  /** Of the transaction that is committed at `lsn`, so many changes were delivered already. */
  transaction: z.strictObject({ lsn, changes: z.int() }).optional(),
  /** The rows that were there at first: how they are told from the changes that come after them. */
  snapshot: z
    .strictObject({
      /** From here on no transaction is in them. */
      until: lsn,
      tables: z.array(
        z.strictObject({
          table: z.string(),
          /** Names the files of the table: others, once it was truncated. */
          storage: z.string(),
          isDone: z.boolean(),
          /** Rows up to a key were read as these transactions left them; those of the last part up to the end. */
          parts: z.array(z.strictObject({ seen: transactions, upTo: values.optional() })),
        }),
      ),
    })
    .optional(),
});

/** The shape of a cursor, version 1. */
export const databaseCursor = z.discriminatedUnion('mode', [keysetCursor, snapshotCursor, replicationCursor]);

/** Where a `DatabaseSource` goes on. What it knows of rows in mode 'snapshot' is keyed state. */
export type DatabaseCursor = z.output<typeof databaseCursor>;
export type KeysetCursor = z.output<typeof keysetCursor>;
export type SnapshotCursor = z.output<typeof snapshotCursor>;
export type ReplicationCursor = z.output<typeof replicationCursor>;

/** @throws CursorError when it is not one of ours, or of another mode */
export function parseCursor<Mode extends DatabaseCursor['mode']>(
  cursor: unknown,
  mode: Mode,
  sourceId: string,
): Extract<DatabaseCursor, { mode: Mode }> | undefined {
  if (cursor === undefined) return undefined;
  const parsed = databaseCursor.safeParse(cursor);
  if (parsed.success && parsed.data.mode === mode) return parsed.data as Extract<DatabaseCursor, { mode: Mode }>;
  const [issue] = parsed.error?.issues ?? [];
  const what = issue === undefined ? `it is of mode ${parsed.data?.mode}` : `${issue.path.join('.')}: ${issue.message}`;
  throw new CursorError(
    `the cursor of source "${sourceId}" is not one of a database source in mode ${mode} (${what}): ` +
      'restore an earlier one, or start without a cursor to read everything again',
    { sourceId },
  );
}
