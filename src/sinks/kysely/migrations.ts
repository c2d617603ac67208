import type { DialectName, SqlDialect } from '../../toolkit/sql/dialect.js';
import { KEY_LENGTH } from '../../toolkit/sql/key-hash.js';
import type { Migration } from '../../toolkit/sql/migrations.js';

export const deadLetterMigrations: readonly Migration[] = [
  {
    name: 'dead-letters-1',
    statements({ keyType, textType }, table) {
      return [
        `create table if not exists ${table('dead_letters')} (
          letter_key ${keyType(KEY_LENGTH)} not null primary key, source_key ${keyType(KEY_LENGTH)} not null,
          added_at ${keyType(32)} not null, letter ${textType} not null)`,
      ];
    },
  },
];

export const runMigrations: readonly Migration[] = [
  {
    name: 'runs-1',
    statements({ keyType, textType }, table) {
      return [
        `create table if not exists ${table('runs')} (
          run_key ${keyType(KEY_LENGTH)} not null primary key, source_key ${keyType(KEY_LENGTH)} not null,
          status ${keyType(16)} not null, started_at ${keyType(32)} not null, run ${textType} not null)`,
      ];
    },
  },
];

/** The table of events. MySQL cannot index text of any length, so there the key is hashed by the database itself. */
export function eventMigrations(name: string): readonly Migration[] {
  return [
    {
      name: `events-1:${name}`,
      statements({ name: dialect, textType }, table) {
        const columns = ['sourceid', 'source', 'id'].map((column) => `${column} ${textType} not null`);
        const others = ['type', 'sourcetype'].map((column) => `${column} ${textType} not null`);
        const optional = ['time', 'subject', 'datacontenttype', 'dataschema'].map((column) => `${column} ${textType}`);
        const key =
          dialect === 'mysql'
            ? 'event_key binary(32) as (unhex(sha2(concat_ws(char(0), sourceid, source, id), 256))) stored, unique (event_key)'
            : 'primary key (sourceid, source, id)';
        const all = [...columns, ...others, ...optional, `data ${textType} not null`, key];
        return [`create table if not exists ${table(name)} (${all.join(', ')})`];
      },
    },
  ];
}

/**
 * The key of the tables of snapshots. MySQL cannot index text of any length, so there it is hashed; as primary key,
 * because MySQL locks gaps beside any other.
 */
export function snapshotKey(dialect: DialectName): { readonly group: string; readonly item: string } {
  return dialect === 'mysql' ? { group: 'group_key', item: 'item_key' } : { group: 'groupid', item: 'itemkey' };
}

/** The items of snapshots by group, and a row for each group that is locked while a snapshot is applied. */
export function snapshotMigrations(name: string): readonly Migration[] {
  return [
    {
      name: `snapshots-1:${name}`,
      statements(dialect, table) {
        const { group, item } = snapshotKey(dialect.name);
        const columns = [...keyColumns(dialect), 'revision bigint not null'];
        for (const column of ['version', 'data']) columns.push(`${column} ${dialect.textType} not null`);
        return [
          `create table if not exists ${table(name)} (${columns.join(', ')}, primary key (${group}, ${item}))`,
          `create table if not exists ${table(`${name}_groups`)} (
            group_key ${dialect.keyType(KEY_LENGTH)} not null primary key, revision bigint not null)`,
        ];
      },
    },
  ];
}

/** What each snapshot changed: the new version of an item, or none where it was removed. */
export function snapshotHistoryMigrations(name: string): readonly Migration[] {
  return [
    {
      name: `snapshot-history-1:${name}`,
      statements(dialect, table) {
        const { group, item } = snapshotKey(dialect.name);
        const columns = [...keyColumns(dialect), 'revision bigint not null'];
        const optional = ['version', 'data'].map((column) => `${column} ${dialect.textType}`);
        const all = [...columns, ...optional, `primary key (${group}, revision, ${item})`];
        return [`create table if not exists ${table(`${name}_history`)} (${all.join(', ')})`];
      },
    },
  ];
}

function keyColumns({ name, textType, keyType }: SqlDialect): string[] {
  const hashes = ['group_key', 'item_key'].map((column) => `${column} ${keyType(KEY_LENGTH)} not null`);
  return [...(name === 'mysql' ? hashes : []), `groupid ${textType} not null`, `itemkey ${textType} not null`];
}
