export type { LogCursor } from '../files/cursor.js';
export type { LogErrorEvent } from '../files/log-file-source.js';
export type { LogConfig, LogConfigInput } from './config.js';
export type { LogEvent, LogLine, LogLineEvent } from './events.js';
export { LogSource } from './source.js';
