export type { GitCommit, Person } from './commit.js';
export type { GitConfig, GitConfigInput } from './config.js';
export type { GitCursor } from './cursor.js';
export type { GitBranch, GitEvent, GitTag } from './events.js';
export type { FileChange, FileStatus } from './file-changes.js';
export { GitSource } from './source.js';
