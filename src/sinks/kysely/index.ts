export type { SnapshotDiff, SnapshotEntry, SnapshotMode, SnapshotShape } from '../../toolkit/snapshot-diff.js';
export type { DialectName } from '../../toolkit/sql/dialect.js';
export { toSqlFailure } from '../../toolkit/sql/failure.js';
export type { SqlOptions } from '../../toolkit/sql/sql-database.js';
export { KyselyDeadLetterStore } from './kysely-dead-letter-store.js';
export { KyselyRunStore, type KyselyRunStoreOptions, type StoredRun } from './kysely-run-store.js';
export { type EventsTable, KyselySink, type KyselySinkOptions } from './kysely-sink.js';
export {
  type ApplyOptions,
  KyselySnapshotTable,
  type KyselySnapshotTableOptions,
  type SnapshotChanges,
  type SnapshotHistoryTable,
  type SnapshotsTable,
} from './kysely-snapshot-table.js';
