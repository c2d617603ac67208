import type { KeysetConfig } from '../config.js';
import type { Column, Run, Session } from '../engine/engine.js';
import { configError } from '../failure.js';
import type { Keyset } from '../relation.js';
import type { Condition, Statement } from '../statement.js';
import { parseSnapshot } from './snapshot-text.js';

/** How rows are found whose transaction commits after rows with a later position were read. */
export type Commits =
  /** They are not: one writer at a time is all there is, by the configuration or by SQLite's nature. */
  | { readonly kind: 'none' | 'single-writer' }
  /** Rows are read when they are so old. What takes longer to commit is missed. */
  | { readonly kind: 'lag'; readonly lagMs: number }
  /** PostgreSQL, by a column with the row's transaction: exactly what became visible since, whatever else is open. */
  | { readonly kind: 'transactions'; readonly column: Column }
  /** PostgreSQL, by the transaction that every row carries: what is older than every open transaction, read in full. */
  | { readonly kind: 'row-versions' }
  /** MySQL: numbers that were left out are looked for again. */
  | { readonly kind: 'watch'; readonly watchMs: number };

const DEFAULT_LAG_MS = 10_000;
const DEFAULT_WATCH_MS = 600_000;

/** @throws ConfigError 'DATABASE_LATE_COMMITS' when nothing was declared and nothing can be had */
export function chooseCommits(keyset: Keyset, config: KeysetConfig, sourceId: string): Commits {
  const { lateCommits } = config;
  if (lateCommits === 'none') return { kind: 'none' };
  if (lateCommits === 'auto') return automatic(keyset, sourceId);
  if ('lagMs' in lateCommits) return withLag(keyset, lateCommits.lagMs, sourceId);
  if (isCounted(keyset)) return { kind: 'watch', watchMs: lateCommits.watchMs };
  throw refusal(sourceId, 'watchMs needs a table of MySQL that is read by its auto-increment key alone', 'use lagMs');
}

function automatic(keyset: Keyset, sourceId: string): Commits {
  const { engine, cursor, facts } = keyset;
  if (engine.name === 'sqlite') return { kind: 'single-writer' };
  if (cursor?.isTransactionId === true) return { kind: 'transactions', column: cursor };
  if (engine.name === 'postgres' && facts !== undefined && !facts.isView) return { kind: 'row-versions' };
  if (isCounted(keyset)) return { kind: 'watch', watchMs: DEFAULT_WATCH_MS };
  if (cursor?.time !== undefined) return { kind: 'lag', lagMs: DEFAULT_LAG_MS };
  throw refusal(
    sourceId,
    `rows of ${keyset.name} that are committed late cannot be told: what it is ordered by is neither a time nor a number that is counted up by the database`,
    "read by a cursorColumn with a time, or say that there is one writer: lateCommits: 'none'",
  );
}

function withLag({ engine, cursor, order, name }: Keyset, lagMs: number, sourceId: string): Commits {
  const column = cursor ?? order[0];
  if (column !== undefined && engine.ago?.(column, lagMs) !== undefined) return { kind: 'lag', lagMs };
  throw refusal(
    sourceId,
    `lagMs needs a cursor column of ${name} that is a time`,
    'in SQLite there is one writer at a time, and no lag is needed',
  );
}

function isCounted({ engine, order, facts }: Keyset): boolean {
  return engine.name === 'mysql' && facts !== undefined && order.length === 1 && order[0]?.isAutoIncrement === true;
}

function refusal(sourceId: string, message: string, fix: string): Error {
  return configError(sourceId, 'DATABASE_LATE_COMMITS', message, fix);
}

/** What a round of rows goes up to, where rounds are told apart by transactions; undefined where there is nothing new. */
export async function targetOf(
  commits: Commits,
  { run, snapshot = '' }: Session,
  from: string | undefined,
): Promise<string | undefined> {
  if (commits.kind === 'transactions') return snapshot === from ? undefined : snapshot;
  const horizon = await horizonOf(run, snapshot);
  const isFurther = from === undefined || horizon > parseSnapshot(from).xmax;
  return isFurther ? `${horizon}:${horizon}:` : undefined;
}

/**
 * The transaction before which all are over that could write here. Those of other databases of the server could not;
 * what cannot be told to be one of them counts as one of ours.
 */
async function horizonOf(run: Run, snapshot: string): Promise<bigint> {
  const { xmax, open } = parseSnapshot(snapshot);
  if (open.length === 0) return xmax;
  const [row] = await run(
    `select min(x::text::bigint)::text as oldest from pg_snapshot_xip($1::pg_snapshot) x where not exists (
       select 1 from pg_locks l join pg_stat_activity a on a.pid = l.pid
       where l.locktype = 'transactionid' and l.transactionid::text::bigint = (x::text::bigint & 4294967295)
         and a.datid <> (select oid from pg_database where datname = current_database()))`,
    [snapshot],
  );
  return typeof row?.['oldest'] === 'string' ? BigInt(row['oldest']) : xmax;
}

/** 2^31 transactions: beyond that the 32 bits that a row carries of its own are ambiguous. */
const HALF = 2n ** 31n;
const WHOLE = 2n ** 32n;

/** Which rows belong to a round; `now` is what the session sees. */
export function roundCondition(
  commits: Commits,
  { from, to, now }: { from: string | undefined; to: string; now: string },
): Condition | undefined {
  if (commits.kind === 'transactions') return becameVisible(commits.column, from, to, now);
  return writtenWithin(from, to);
}

/**
 * Not seen by one snapshot, and seen by the other. The first round also takes what carries a transaction that this
 * cluster has not begun yet: those rows come from another one, through a dump.
 * @see https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
 */
function becameVisible(column: Column, from: string | undefined, to: string, now: string): Condition {
  const target = parseSnapshot(to);
  return (statement) => {
    const x = statement.column(column);
    const isInTarget = `${x} < ${xid(statement, target.xmax)} and ${isSeen(statement, x, to)}`;
    if (from === undefined) return `((${isInTarget}) or ${x} >= ${xid(statement, parseSnapshot(now).xmax)})`;
    return `${isInTarget} and ${visibleSince(column, from)(statement)}`;
  };
}

/** Not seen by a snapshot, of what whoever asks sees. */
export function visibleSince(column: Column, from: string): Condition {
  return (statement) => {
    const x = statement.column(column);
    return `${x} >= ${xid(statement, parseSnapshot(from).xmin)} and not ${isSeen(statement, x, from)}`;
  };
}

function isSeen(statement: Statement, x: string, snapshot: string): string {
  return `pg_visible_in_snapshot(${x}, ${statement.value(snapshot)}::pg_snapshot)`;
}

function xid(statement: Statement, value: bigint): string {
  return `${statement.value(String(value))}::xid8`;
}

/**
 * By the row's `xmin`, of which rows keep 32 bits, counted back from where the round ends. A row that was written more than 2^32
 * transactions ago may look as if it was new, and then comes again, with the same id; a new row never looks old.
 *
 * Snapshots list no subtransactions (savepoints), which carry numbers of their own. They are later than the transaction
 * that they belong to, so what is older than every open transaction is over, with all its parts.
 */
function writtenWithin(from: string | undefined, to: string): Condition | undefined {
  const end = parseSnapshot(to).xmin;
  const begin = from === undefined ? 0n : parseSnapshot(from).xmin;
  const distance = end - begin;
  // Nothing can be told apart: everything, and what was there already comes again with its id.
  if (from === undefined ? end >= HALF : distance >= WHOLE) return undefined;
  return (statement) => {
    const back = `((${statement.value(String(end - 1n))}::bigint - t.xmin::text::bigint) & 4294967295)`;
    // The planner cannot know how many rows that is, and goes by how it is written: of the first round it is to expect
    // most, or it would sort all that is left for each of the last pages; of a later one few.
    return from === undefined ? `not (${back} >= ${distance})` : `${back} between 0 and ${distance - 1n}`;
  };
}
