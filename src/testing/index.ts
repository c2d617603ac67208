export { FakeClock } from './fake-clock.js';
export { type LogLine, RecordingLogger } from './recording-logger.js';
