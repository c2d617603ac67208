export type { MongoClientInstance, MongodbConfig, MongodbConfigInput, MongodbCredentials } from './config.js';
export type { MongodbCursor } from './cursor.js';
export type {
  MongodbDeletedData,
  MongodbDeletedEvent,
  MongodbDocument,
  MongodbDroppedEvent,
  MongodbEvent,
  MongodbInsertedData,
  MongodbInsertedEvent,
  MongodbRenamedEvent,
  MongodbTransaction,
  MongodbUpdatedData,
  MongodbUpdatedEvent,
  MongodbValue,
} from './events.js';
export { MongodbSource } from './source.js';
