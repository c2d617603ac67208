export type { Finder, RestConfig, RestConfigInput, RestCredentials } from './config.js';
export type { RestCursor } from './cursor.js';
export type {
  RestCreatedEvent,
  RestDeletedData,
  RestDeletedEvent,
  RestEvent,
  RestInvalidData,
  RestInvalidEvent,
  RestItemData,
  RestUpdatedEvent,
} from './events.js';
export { RestSource } from './source.js';
