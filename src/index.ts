export type { AutosavePolicy } from './core/autosave.js';
export { BatchEventSource } from './core/batch-event-source.js';
export type { Capabilities } from './core/capabilities.js';
export { type Clock, systemClock } from './core/clock.js';
export { parseConfig, parseCredentials } from './core/config.js';
export type { CredentialProvider } from './core/credentials.js';
export type {
  CursorRecord,
  CursorStore,
  CursorWrite,
  Lease,
  LeaseOptions,
  SaveOptions,
} from './core/cursor-store.js';
export {
  AuthenticationError,
  ConfigError,
  ConnectionError,
  CursorConflictError,
  CursorError,
  DecodeError,
  type ErrorFields,
  FatalError,
  GapError,
  HeadwaterError,
  MissingPeerError,
  NotFoundError,
  PermissionError,
  RateLimitedError,
  RetryableError,
  SinkError,
  SkippableError,
  UnknownSourceError,
} from './core/errors.js';
export { type DataOf, type GapEvent, type GapOf, type GapReason, isGap, type SourceEvent } from './core/event.js';
export { type EventFields, EventSource } from './core/event-source.js';
export { EventSourceFactory, type FactoryOptions, type ResumeOptions } from './core/event-source-factory.js';
export type { KeyedState } from './core/keyed-state.js';
export type { Logger } from './core/logger.js';
export { PushEventSource } from './core/push-event-source.js';
export type { PushLimits, PushOptions } from './core/push-queue.js';
export type {
  BatchOptions,
  EventBatch,
  EventFailure,
  EventGenerator,
  ReadContext,
  ReadOptions,
  SourceBatch,
} from './core/read-options.js';
export { Secret } from './core/secret.js';
export type { SourceClass, SourceEntry, SourceMap, SourceSpec } from './core/source-class.js';
export type {
  CursorDefinition,
  Problem,
  SourceDefinition,
  SourceOptions,
  ValidationResult,
} from './core/source-definition.js';
export { type SourceDescription, SourceRegistry } from './core/source-registry.js';
export type { SourceStats, SourceStatus } from './core/status.js';
export { FileCursorStore } from './cursors/file/index.js';
export { MemoryCursorStore } from './cursors/memory/index.js';
export type { DeadLetter, DeadLetterStore } from './pipeline/dead-letters/dead-letter.js';
export { MemoryDeadLetterStore } from './pipeline/dead-letters/memory-dead-letter-store.js';
export { type EventMask, EventRouter, type EventRouterOptions } from './pipeline/event-router.js';
export { ingest } from './pipeline/ingest.js';
export type { IngestOptions, IngestReport } from './pipeline/ingest-options.js';
export { mergeSources } from './pipeline/merge-sources.js';
export type { Sink, SinkBatch, SinkFunction } from './pipeline/sink.js';
export type { AppendFileOptions, Repair } from './toolkit/append-file.js';
export type { RetryPolicy } from './toolkit/retry.js';
