export { delay } from './delay.js';
export {
  type NextNumber,
  type NextPage,
  type NextToken,
  type NextUrl,
  type PageRead,
  type PaginateOptions,
  paginate,
} from './http/paginate.js';
export type { Line, LineNotes, LineOptions } from './lines/line.js';
export { type ReadLinesOptions, readLines } from './lines/read-lines.js';
export { type PollOptions, poll } from './poll.js';
export { type RetryOptions, type RetryPolicy, retry } from './retry.js';
export {
  contentVersion,
  diffSnapshot,
  type SnapshotDiff,
  type SnapshotEntry,
  type SnapshotMode,
  type SnapshotShape,
} from './snapshot-diff.js';
