export type { Repair } from '../../toolkit/append-file.js';
export { JsonlSink, type JsonlSinkOptions } from './jsonl-sink.js';
