import { KEY_LENGTH } from '../../toolkit/sql/key-hash.js';
import type { Migration } from '../../toolkit/sql/migrations.js';

/** Keys are hashes, and what they stand for is in the text beside them. */
export const cursorMigrations: readonly Migration[] = [
  {
    name: 'cursors-1',
    statements({ keyType, textType }, table) {
      const key = keyType(KEY_LENGTH);
      return [
        `create table if not exists ${table('cursors')} (
          source_key ${key} not null primary key, revision integer not null, record ${textType} not null)`,
        `create table if not exists ${table('cursor_history')} (
          source_key ${key} not null, slot ${keyType(8)} not null, record ${textType} not null,
          primary key (source_key, slot))`,
        `create table if not exists ${table('state')} (
          source_key ${key} not null, key_hash ${key} not null, state_key ${textType} not null, value ${textType} not null,
          primary key (source_key, key_hash))`,
        `create table if not exists ${table('leases')} (
          source_key ${key} not null primary key, version integer not null, token integer not null, state ${textType} not null)`,
      ];
    },
  },
];
