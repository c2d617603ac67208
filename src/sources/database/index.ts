export type {
  CompilableQuery,
  DatabaseConfig,
  DatabaseConfigInput,
  DatabaseCredentials,
  KyselyInstance,
} from './config.js';
export type { DatabaseCursor } from './cursor.js';
export type { Bytes, DatabaseValue } from './engine/values.js';
export type {
  DatabaseDeletedData,
  DatabaseDeletedEvent,
  DatabaseEvent,
  DatabaseInsertedEvent,
  DatabaseRowData,
  DatabaseTruncatedData,
  DatabaseTruncatedEvent,
  DatabaseUpdatedEvent,
} from './events.js';
export type { DatabaseRow } from './rows.js';
export { DatabaseSource } from './source.js';
