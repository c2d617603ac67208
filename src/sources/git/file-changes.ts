import { isAscii } from 'node:buffer';
import { FatalError } from '../../core/errors.js';
import { hasInvalidBytes } from './log-parser.js';

export type FileStatus = 'added' | 'modified' | 'deleted' | 'renamed' | 'copied' | 'type-changed' | 'unknown';

/** A file that a commit changes. */
export interface FileChange {
  /** Relative to the top of the repository. */
  path: string;
  status: FileStatus;
  /** Where a renamed file was. */
  previousPath?: string;
  /** Lines; null for binary files. Only with `numstat`. */
  additions?: number | null;
  deletions?: number | null;
  /** The commits a submodule is moved from and to; absent where there was or is none. It is never read itself. */
  submodule?: { from?: string; to?: string };
}

const NUL = 0;
const TAB = 0x09;
const LETTER_C = 0x43;
const LETTER_R = 0x52;

/** By the code of the letter. */
const STATUSES: Readonly<Record<number, FileStatus>> = {
  65: 'added',
  [LETTER_C]: 'copied',
  68: 'deleted',
  77: 'modified',
  [LETTER_R]: 'renamed',
  84: 'type-changed',
};

const COLON = 0x3a;
const SIX = 0x36;

/**
 * The output of `git diff-tree --stdin --raw --numstat -z`: for each commit with changes its name, then entries
 * `:<mode> <mode> <sha> <sha> <status>`, path(s), then `<added>\t<deleted>\t<path>`; everything ends with a NUL.
 * Read by position, so a path may look like anything.
 *
 * @see https://git-scm.com/docs/git-diff-tree#_raw_output_format
 */
export class FileListParser {
  readonly #bytes: Buffer;
  /** Then pieces are cheaper to decode. */
  readonly #isAscii: boolean;
  readonly #shaLength: number;
  readonly #hasLineCounts: boolean;
  #at = 0;
  #invalidBytes = false;

  /** `lineCounts`: whether the output has any. */
  constructor(bytes: Buffer, { shaLength, lineCounts }: { shaLength: number; lineCounts: boolean }) {
    this.#bytes = bytes;
    this.#isAscii = isAscii(bytes);
    this.#shaLength = shaLength;
    this.#hasLineCounts = lineCounts;
  }

  /** Whether the answer is used up. */
  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Whether the files read last have a path that is not UTF-8; what is not was replaced by U+FFFD. */
  get invalidBytes(): boolean {
    return this.#invalidBytes;
  }

  /** The files of this commit, if it comes next; a commit without changes is left out by git. */
  filesOf(sha: string): FileChange[] {
    const files: FileChange[] = [];
    this.#invalidBytes = false;
    const end = this.#at + this.#shaLength;
    if (this.#bytes.toString('latin1', this.#at, end) !== sha) return files;
    this.#at = end + 1;
    while (this.#bytes[this.#at] === COLON) files.push(this.#entry());
    if (this.#hasLineCounts) this.#lineCounts(files);
    return files;
  }

  #entry(): FileChange {
    const start = this.#at;
    const statusAt = start + 1 + 7 + 7 + 2 * (this.#shaLength + 1);
    const letter = this.#bytes[statusAt] ?? NUL;
    const isPair = letter === LETTER_R || letter === LETTER_C;
    // A similarity of three digits follows the letter where there are two paths.
    this.#at = statusAt + (isPair ? 5 : 2);
    const path = this.#path();
    const file: FileChange = { path, status: STATUSES[letter] ?? 'unknown' };
    if (isPair) {
      file.previousPath = path;
      file.path = this.#path();
    }
    const wasSubmodule = this.#bytes[start + 2] === SIX;
    const isSubmodule = this.#bytes[start + 9] === SIX;
    if (wasSubmodule || isSubmodule) file.submodule = this.#submodule(start + 15, wasSubmodule, isSubmodule);
    return file;
  }

  /** Modes are six digits; of all that git uses, only that of a submodule, 160000, has a 6 in second place. */
  #submodule(at: number, was: boolean, is: boolean): { from?: string; to?: string } {
    const newAt = at + this.#shaLength + 1;
    return {
      ...(was && { from: this.#bytes.toString('latin1', at, at + this.#shaLength) }),
      ...(is && { to: this.#bytes.toString('latin1', newAt, newAt + this.#shaLength) }),
    };
  }

  #lineCounts(files: readonly FileChange[]): void {
    const byPath = new Map(files.map((file) => [file.path, file]));
    while (this.#at < this.#bytes.length && this.#bytes.lastIndexOf(TAB, this.#endOfField()) >= this.#at) {
      const additions = this.#number();
      const deletions = this.#number();
      // A rename has an empty path here, and both paths after it.
      let path = this.#path();
      if (path === '') {
        this.#path();
        path = this.#path();
      }
      const file = byPath.get(path);
      if (file !== undefined) Object.assign(file, { additions, deletions });
    }
  }

  #number(): number | null {
    const end = this.#bytes.indexOf(TAB, this.#at);
    const text = this.#bytes.toString('latin1', this.#at, end);
    this.#at = end + 1;
    return text === '-' ? null : Number(text);
  }

  #path(): string {
    const start = this.#at;
    const end = this.#endOfField();
    this.#at = end + 1;
    if (this.#isAscii) return this.#bytes.toString('latin1', start, end);
    const path = this.#bytes.toString('utf8', start, end);
    if (hasInvalidBytes(path, this.#bytes, start, end)) this.#invalidBytes = true;
    return path;
  }

  /** A loop is quicker than a call for fields as short as paths. */
  #endOfField(): number {
    const bytes = this.#bytes;
    let end = this.#at;
    while (end < bytes.length && bytes[end] !== NUL) end += 1;
    if (end === bytes.length) throw new FatalError('git diff-tree gave an answer that does not end with a NUL');
    return end;
  }
}
