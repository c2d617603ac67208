export type { DialectName } from '../../toolkit/sql/dialect.js';
export type { SqlOptions } from '../../toolkit/sql/sql-database.js';
export { KyselyCursorStore, type KyselyCursorStoreOptions } from './kysely-cursor-store.js';
