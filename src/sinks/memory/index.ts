export { MemorySink } from './memory-sink.js';
