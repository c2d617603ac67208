export type { PayloadDecoder, PayloadFormat, PayloadOrigin } from '../payload.js';
export type { RabbitmqConfig, RabbitmqConfigInput, RabbitmqCredentials } from './config.js';
export type { RabbitmqCursor } from './cursor.js';
export type {
  RabbitmqAbout,
  RabbitmqEvent,
  RabbitmqInvalidData,
  RabbitmqInvalidEvent,
  RabbitmqMessageData,
  RabbitmqMessageEvent,
} from './events.js';
export { RabbitmqSource } from './source.js';
