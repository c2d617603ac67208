export { CallbackSink } from './callback-sink.js';
