export { JsonlSink, type JsonlSinkOptions } from './jsonl-sink.js';
