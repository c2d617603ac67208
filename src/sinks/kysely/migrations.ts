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
