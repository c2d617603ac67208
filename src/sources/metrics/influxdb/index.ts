export type * from '../metrics.js';
export type { InfluxdbConfig, InfluxdbConfigInput, InfluxdbCredentials } from './config.js';
export type { InfluxdbCursor } from './cursor.js';
export { InfluxdbSource } from './source.js';
