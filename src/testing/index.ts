export {
  type ContractCase,
  type CursorStoreHarness,
  type OpenedCursorStore,
  testCursorStore,
} from './cursor-store-contract.js';
export { FakeClock } from './fake-clock.js';
export { type LogLine, RecordingLogger } from './recording-logger.js';
