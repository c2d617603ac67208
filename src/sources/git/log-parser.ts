import { isUtf8 } from 'node:buffer';
import { FatalError } from '../../core/errors.js';
import type { GitCommit } from './commit.js';

/**
 * Each commit begins with `>` after two NULs, the terminator of the commit before it and its own. No other two NULs
 * are followed by `>`: no field contains a NUL, and those that could begin with `>` begin with a space.
 *
 * @see https://git-scm.com/docs/pretty-formats
 */
export const LOG_FORMAT = `tformat:%x00>${['%H', '%P', '%ae', '%aI', ' %an', '%ce', '%cI', ' %cn', ' %s', ' %b'].join('%x00')}`;

const MARK = Buffer.from('\0\0>');
const FIRST_CAPACITY = 128 * 1024;
const LARGEST_COMMIT = 256 * 1024 * 1024;

/** Bytes of `git log -z` to commits. Keeps no more than one unfinished commit, in a buffer that it uses again. */
export class LogParser {
  #buffer = Buffer.allocUnsafe(FIRST_CAPACITY);
  /** Bytes in the buffer. It begins with the NUL that stands before every commit but the first. */
  #length = 1;
  /** Up to here there is no mark besides the first commit's own. */
  #searched = MARK.length;

  constructor() {
    this.#buffer[0] = 0;
  }

  /** The commits that this chunk completes. */
  push(chunk: Uint8Array): GitCommit[] {
    this.#append(chunk);
    const commits: GitCommit[] = [];
    const bytes = this.#buffer.subarray(0, this.#length);
    let start = 0;
    let next = bytes.indexOf(MARK, this.#searched);
    while (next !== -1) {
      commits.push(parseCommit(bytes, start + MARK.length, next));
      start = next;
      next = bytes.indexOf(MARK, start + MARK.length);
    }
    this.#discard(start);
    return commits;
  }

  /** The last commit, once git has said that all went well. */
  end(): GitCommit[] {
    if (this.#length <= MARK.length) return [];
    return [parseCommit(this.#buffer, MARK.length, this.#length - 1)];
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (needed > LARGEST_COMMIT) throw new FatalError(`a commit message is larger than ${LARGEST_COMMIT} bytes`);
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = needed;
  }

  #discard(start: number): void {
    if (start > 0) this.#buffer.copyWithin(0, start, this.#length);
    this.#length -= start;
    this.#searched = Math.max(MARK.length, this.#length - MARK.length + 1);
  }
}

const REPLACEMENT = '\ufffd';

const NO_REFS: readonly string[] = [];

/** `end` is before the NUL that ends the commit. What git log does not say is left to others: refs and files. */
function parseCommit(bytes: Buffer, start: number, end: number): GitCommit {
  const text = bytes.toString('utf8', start, end);
  const fields = text.split('\0');
  const parents = fields[1] ?? '';
  const commit: GitCommit = {
    sha: fields[0] ?? '',
    parents: parents === '' ? [] : parents.split(' '),
    author: { name: afterSpace(fields[4]), email: fields[2] ?? '', time: fields[3] ?? '' },
    committer: { name: afterSpace(fields[7]), email: fields[5] ?? '', time: fields[6] ?? '' },
    subject: afterSpace(fields[8]),
    body: withoutLineBreaks(afterSpace(fields[9])),
    refs: NO_REFS,
  };
  if (hasInvalidBytes(text, bytes, start, end)) commit.invalidBytes = true;
  return commit;
}

function afterSpace(field = ''): string {
  return field.slice(1);
}

function withoutLineBreaks(text: string): string {
  let end = text.length;
  while (text.charAt(end - 1) === '\n') end -= 1;
  return end === text.length ? text : text.slice(0, end);
}

/** Whether bytes were replaced when they were decoded; U+FFFD may also have been there before. */
export function hasInvalidBytes(text: string, bytes: Buffer, start: number, end: number): boolean {
  return text.includes(REPLACEMENT) && !isUtf8(bytes.subarray(start, end));
}
