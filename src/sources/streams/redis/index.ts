export type { PayloadDecoder, PayloadFormat, PayloadOrigin } from '../payload.js';
export type { RedisConfig, RedisConfigInput, RedisCredentials } from './config.js';
export type { RedisCursor } from './cursor.js';
export type {
  RedisElementData,
  RedisEntryData,
  RedisEvent,
  RedisInvalidData,
  RedisInvalidEvent,
  RedisKeyData,
  RedisMessageData,
  RedisMessageEvent,
  RedisPublicationData,
} from './events.js';
export { RedisSource } from './source.js';
