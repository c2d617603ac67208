import type { FileChange } from './file-changes.js';

/** Who did something and when: RFC 3339 with the person's own offset, as git gives it; empty where git has none. */
export interface Person {
  name: string;
  email: string;
  time: string;
}

export interface GitCommit {
  sha: string;
  /** Of a shallow commit: those it has upstream, which this repository does not hold. */
  parents: readonly string[];
  author: Person;
  committer: Person;
  /** The first paragraph of the message, on one line. */
  subject: string;
  /** The rest of the message, without line breaks at its end. */
  body: string;
  /** Full names of the refs, of those being read, that pointed at this commit when the run saw it first. */
  refs: readonly string[];
  /** Absent with `files: false`, for merges without `firstParent`, and for shallow commits. */
  files?: readonly FileChange[];
  /** A shallow clone was cut off here: the commit's parents are not in the repository. */
  shallow?: true;
  /** The message or a path had bytes that are not text in the encoding it claims; they were replaced by U+FFFD. */
  invalidBytes?: true;
}
