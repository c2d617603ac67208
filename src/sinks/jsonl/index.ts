export type { Repair } from '../../toolkit/append-file.js';
export { JsonlDeadLetterStore } from './jsonl-dead-letter-store.js';
export { JsonlSink, type JsonlSinkOptions } from './jsonl-sink.js';
