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
 * The items of snapshots by group, and a row for each group that is locked while one is compared. MySQL cannot index text
 * of any length, so there the key is hashed; as primary key, because MySQL locks gaps beside any other.
 */
export function snapshotMigrations(name: string): readonly Migration[] {
  return [
    {
      name: `snapshots-1:${name}`,
      statements({ name: dialect, textType, keyType }, table) {
        const columns = ['groupid', 'itemkey', 'version', 'data'].map((column) => `${column} ${textType} not null`);
        const hashes = ['group_key', 'item_key'].map((column) => `${column} ${keyType(KEY_LENGTH)} not null`);
        const all =
          dialect === 'mysql'
            ? [...hashes, ...columns, 'primary key (group_key, item_key)']
            : [...columns, 'primary key (groupid, itemkey)'];
        return [
          `create table if not exists ${table(name)} (${all.join(', ')})`,
          `create table if not exists ${table(`${name}_groups`)} (
            group_key ${keyType(KEY_LENGTH)} not null primary key, revision bigint not null)`,
        ];
      },
    },
  ];
}
