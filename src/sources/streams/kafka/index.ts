export type { PayloadDecoder, PayloadFormat, PayloadOrigin } from '../payload.js';
export type { KafkaConfig, KafkaConfigInput, KafkaCredentials } from './config.js';
export type { KafkaCursor } from './cursor.js';
export type {
  KafkaAbout,
  KafkaEvent,
  KafkaInvalidData,
  KafkaInvalidEvent,
  KafkaMessageData,
  KafkaMessageEvent,
} from './events.js';
export type {
  KafkaBatch,
  KafkaClient,
  KafkaClientFactory,
  KafkaClientOptions,
  KafkaHeader,
  KafkaListener,
  KafkaMessage,
  KafkaOffset,
  KafkaPartition,
} from './kafka-client.js';
export { KafkaSource } from './source.js';
