export type { ManualConfig, ManualConfigInput } from './config.js';
export type { EventSchemas, ManualEvent, ManualInput, PushedEvent } from './events.js';
export { type EventProblem, InvalidEventError } from './invalid-event.js';
export { ManualSource } from './source.js';
