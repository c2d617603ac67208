export type { LogCursor } from '../files/cursor.js';
export type { LogErrorEvent } from '../files/log-file-source.js';
export type { ApiLogConfig, ApiLogConfigInput } from './config.js';
export type { ApiLogEvent, HttpRequestEvent, LoggedRequest } from './events.js';
export type { HttpRequest } from './http-request.js';
export { ApiLogSource } from './source.js';
