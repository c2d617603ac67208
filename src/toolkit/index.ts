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
  type HmacAlgorithm,
  type HmacOptions,
  HmacVerifier,
  isRecent,
  SecretVerifier,
  type SignatureEncoding,
  signHmac,
} from './signature.js';
export {
  contentVersion,
  diffSnapshot,
  type SnapshotDiff,
  type SnapshotEntry,
  type SnapshotMode,
  type SnapshotShape,
} from './snapshot-diff.js';
