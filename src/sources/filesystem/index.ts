export type { FilesystemConfig, FilesystemConfigInput } from './config.js';
export type { FilesystemCursor } from './cursor.js';
export type { FileContent, FileFacts, FileProblem, FileRecord, FilesystemEvent } from './events.js';
export { FilesystemSource } from './source.js';
