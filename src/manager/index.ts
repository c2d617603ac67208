export type { ManagedSource, ManagedStatus } from './managed-source.js';
export { SourceManager, type SourceManagerOptions } from './source-manager.js';
