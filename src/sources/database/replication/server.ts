import { dialects } from '../../../toolkit/sql/dialect.js';
import type { ReplicationConfig } from '../config.js';
import type { Run } from '../engine/engine.js';
import { type Lsn, parseLsn } from './lsn.js';

export interface SlotFacts {
  readonly kind: string;
  readonly plugin: string;
  readonly database: string;
  readonly isActive: boolean;
  readonly status: string;
  readonly confirmed: Lsn | undefined;
  /** Bytes of the log that are kept for it. */
  readonly retained: number;
}

export interface PublishedTable {
  readonly schema: string;
  readonly table: string;
  /** Absent before PostgreSQL 15. */
  readonly columns?: readonly string[] | undefined;
  readonly filter?: string | undefined;
}

export interface PublicationFacts {
  readonly tables: readonly PublishedTable[];
  /** Of insert, update, delete, truncate: those that are not published. */
  readonly missing: readonly string[];
}

/** What the server says of itself, slot and publication. */
export interface ServerFacts {
  readonly server: string;
  readonly walLevel: string;
  readonly mayReplicate: boolean;
  /** How long the server waits for a sign of life, in milliseconds; 0 for ever. */
  readonly patienceMs: number;
  readonly database: string;
  /** Up to here the log is on disk. */
  readonly flushed: Lsn;
  readonly slot: SlotFacts | undefined;
  readonly publication: PublicationFacts | undefined;
}

const SERVER = `select (select system_identifier::text from pg_control_system()) as server,
    current_setting('wal_level') as level, current_database()::text as database,
    (select rolreplication or rolsuper from pg_roles where rolname = current_user) as replicates,
    (select setting from pg_settings where name = 'wal_sender_timeout') as patience,
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end::text as flushed`;

const SLOT = `select slot_type as kind, plugin::text, database::text, active, coalesce(wal_status, '') as status,
    confirmed_flush_lsn::text as confirmed,
    (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end - restart_lsn)::text as retained
  from pg_replication_slots where slot_name = $1`;

const PUBLICATION = `select pubinsert as insert, pubupdate as update, pubdelete as delete, pubtruncate as truncate
  from pg_publication where pubname = $1`;

// Which columns and rows are published is told from version 15 on.
const PUBLISHED = `select schemaname::text as schema, tablename::text as name,
    to_jsonb(t) ->> 'attnames' as columns, to_jsonb(t) ->> 'rowfilter' as filter
  from pg_publication_tables t where pubname = $1`;

export async function serverFacts(run: Run, config: ReplicationConfig): Promise<ServerFacts> {
  const [row] = await run(SERVER);
  return {
    server: String(row?.['server']),
    walLevel: String(row?.['level']),
    mayReplicate: row?.['replicates'] === true,
    patienceMs: Number(row?.['patience']),
    database: String(row?.['database']),
    flushed: parseLsn(String(row?.['flushed'])),
    slot: await slotFacts(run, config.slot),
    publication: await publicationFacts(run, config.publication),
  };
}

export async function slotFacts(run: Run, name: string): Promise<SlotFacts | undefined> {
  const [row] = await run(SLOT, [name]);
  if (row === undefined) return undefined;
  const { confirmed } = row;
  return {
    kind: String(row['kind']),
    plugin: String(row['plugin']),
    database: String(row['database']),
    isActive: row['active'] === true,
    status: String(row['status']),
    confirmed: typeof confirmed === 'string' ? parseLsn(confirmed) : undefined,
    retained: Number(row['retained'] ?? 0),
  };
}

async function publicationFacts(run: Run, name: string): Promise<PublicationFacts | undefined> {
  const [row] = await run(PUBLICATION, [name]);
  if (row === undefined) return undefined;
  const tables = await run(PUBLISHED, [name]);
  return {
    missing: ['insert', 'update', 'delete', 'truncate'].filter((what) => row[what] !== true),
    tables: tables.map((published) => ({
      schema: String(published['schema']),
      table: String(published['name']),
      columns: typeof published['columns'] === 'string' ? (JSON.parse(published['columns']) as string[]) : undefined,
      filter: typeof published['filter'] === 'string' ? published['filter'] : undefined,
    })),
  };
}

/** What is the same for all tables: the types that stand for others. */
export async function domains(run: Run): Promise<ReadonlyMap<number, number>> {
  const rows = await run(`select oid::text as type, typbasetype::text as base from pg_type where typtype = 'd'`);
  return new Map(rows.map(({ type, base }) => [Number(type), Number(base)]));
}

export interface IdentityFacts {
  readonly number: number;
  readonly schema: string;
  /** 'default', 'nothing', 'full' or 'index'. */
  readonly identity: 'd' | 'n' | 'f' | 'i';
  readonly identityColumns: readonly string[];
  readonly hasPrimaryKey: boolean;
  /** Those that are computed are not sent. */
  readonly columns: readonly string[];
  readonly storage: string;
}

const IDENTITY = `select c.oid::text as number, n.nspname::text as schema, c.relreplident::text as identity,
    (select json_agg(a.attname order by k.at)::text from pg_index i, unnest(i.indkey::int2[]) with ordinality k (number, at)
      join pg_attribute a on a.attnum = k.number where i.indrelid = c.oid and i.indisreplident and a.attrelid = c.oid) as key,
    exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary) as "hasPrimary",
    (select json_agg(attname order by attnum)::text from pg_attribute
      where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '') as columns,
    coalesce(pg_relation_filenode(c.oid)::text,
      (select string_agg(pg_relation_filenode(relid)::text, ',' order by relid) from pg_partition_tree(c.oid) where isleaf), '') as storage
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)`;

export async function identityFacts(
  run: Run,
  name: { schema?: string | undefined; table: string },
): Promise<IdentityFacts | undefined> {
  const { quote } = dialects.postgres;
  const written = name.schema === undefined ? quote(name.table) : `${quote(name.schema)}.${quote(name.table)}`;
  const [row] = await run(IDENTITY, [written]);
  if (row === undefined) return undefined;
  return {
    number: Number(row['number']),
    schema: String(row['schema']),
    identity: String(row['identity']) as IdentityFacts['identity'],
    identityColumns: JSON.parse(String(row['key'] ?? '[]')) as string[],
    hasPrimaryKey: row['hasPrimary'] === true,
    columns: JSON.parse(String(row['columns'] ?? '[]')) as string[],
    storage: String(row['storage']),
  };
}
