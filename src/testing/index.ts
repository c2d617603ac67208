export type { ContractCase, Skip } from './contract-case.js';
export {
  type CursorStoreHarness,
  type OpenedCursorStore,
  testCursorStore,
} from './cursor-store-contract.js';
export {
  type DeadLetterStoreHarness,
  type OpenedDeadLetterStore,
  testDeadLetterStore,
} from './dead-letter-store-contract.js';
export { FakeClock } from './fake-clock.js';
export { type FakeCursor, type FakeEvent, type FakeSource, type FakeSourceOptions, fakeSource } from './fake-source.js';
export { type LogLine, RecordingLogger } from './recording-logger.js';
export { type OpenedSink, type SinkHarness, type SinkPromise, testSink } from './sink-contract.js';
export { type SourceHarness, type SourceWorld, testSource } from './source-contract.js';
