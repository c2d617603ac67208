import { randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { FatalError } from '../../core/errors.js';
import type { GitCommit } from './commit.js';
import type { GitConfig } from './config.js';
import { FileListParser } from './file-changes.js';
import type { GitProcess } from './git-process.js';
import { pathspecs } from './pathspecs.js';

const MOST_AT_ONCE = 500;
const LARGEST_ANSWER = 64 * 1024 * 1024;

interface Conversation {
  questions: PassThrough;
  answers: AsyncGenerator<Buffer, void, undefined>;
}

/**
 * The files that commits change, from one `git diff-tree --stdin` that is kept for the whole walk. It is asked for some
 * hundred commits at a time, the newest first: packs are made for that direction, and the other costs git a quarter
 * more. A line that is no object name comes back as it is and flushes the output: it marks the end of an answer.
 *
 * @see https://git-scm.com/docs/git-diff-tree
 */
export class FileLister {
  readonly #git: GitProcess;
  readonly #commandLine: readonly string[];
  readonly #lineCounts: boolean;
  readonly #mark = `end-${randomUUID()}\n`;
  #conversation: Conversation | undefined;
  #atOnce = MOST_AT_ONCE;

  constructor(git: GitProcess, config: GitConfig, exactRenamesOnly: boolean) {
    this.#git = git;
    this.#lineCounts = config.numstat;
    this.#commandLine = ['diff-tree', ...diffArguments(config, exactRenamesOnly), '--', ...pathspecs(config)];
  }

  /** Adds `files` to the commits. */
  async addFiles(newestFirst: readonly GitCommit[]): Promise<void> {
    for (let at = 0; at < newestFirst.length; ) {
      const commits = newestFirst.slice(at, at + this.#atOnce);
      const answer = await this.#ask(commits);
      if (answer === undefined) await this.#askForLess(commits.length);
      else {
        const shaLength = commits[0]?.sha.length ?? 0;
        addAnswer(commits, new FileListParser(answer, { shaLength, lineCounts: this.#lineCounts }));
        at += commits.length;
      }
    }
  }

  /** Ends the process. */
  async close(): Promise<void> {
    const conversation = this.#conversation;
    this.#conversation = undefined;
    await conversation?.answers.return();
    conversation?.questions.destroy();
  }

  /** The whole answer, or undefined when it is too large to be held at once. */
  async #ask(commits: readonly GitCommit[]): Promise<Buffer | undefined> {
    this.#conversation ??= this.#begin();
    const { questions, answers } = this.#conversation;
    questions.write(`${commits.map(({ sha }) => `${sha}\n`).join('')}${this.#mark}`);
    const chunks: Buffer[] = [];
    let size = 0;
    while (!this.#isComplete(chunks)) {
      const { done, value } = await answers.next();
      if (done === true || value === undefined) throw new FatalError('git diff-tree ended before its answer did');
      chunks.push(value);
      size += value.length;
      if (size > LARGEST_ANSWER) return undefined;
    }
    return Buffer.concat(chunks).subarray(0, size - this.#mark.length);
  }

  #isComplete(chunks: Buffer[]): boolean {
    const last = chunks.at(-1);
    if (last === undefined || last.at(-1) !== 0x0a) return false;
    const tail = last.length >= this.#mark.length ? last : Buffer.concat(chunks.slice(-this.#mark.length));
    return tail.subarray(-this.#mark.length).toString('latin1') === this.#mark;
  }

  async #askForLess(tried: number): Promise<void> {
    if (tried === 1) {
      throw new FatalError(
        `a commit changes so many files that their list is larger than ${LARGEST_ANSWER} bytes: ` +
          'read with files: false, or give paths',
      );
    }
    await this.close();
    this.#atOnce = Math.ceil(tried / 2);
  }

  #begin(): Conversation {
    const questions = new PassThrough();
    return { questions, answers: this.#git.stream(this.#commandLine, { input: questions }) };
  }
}

/** The answer is in the order of the question. */
function addAnswer(commits: readonly GitCommit[], parser: FileListParser): void {
  for (const commit of commits) {
    commit.files = parser.filesOf(commit.sha);
    if (parser.invalidBytes) commit.invalidBytes = true;
  }
  if (!parser.isAtEnd) throw new FatalError('git diff-tree gave an answer that was not asked for');
}

/** Everything that configuration could change about the output is said here. */
function diffArguments(config: GitConfig, exactRenamesOnly: boolean): string[] {
  const { renames, renameLimit, numstat, firstParent } = config;
  return [
    '--stdin',
    '-r',
    '--root',
    '-z',
    '--raw',
    '--no-abbrev',
    ...(numstat ? ['--numstat', '--diff-algorithm=default'] : []),
    ...(renames ? [exactRenamesOnly ? '-M100%' : '-M', `-l${renameLimit}`] : ['--no-renames']),
    firstParent ? '--diff-merges=first-parent' : '--no-diff-merges',
    '--no-relative',
    '--ignore-submodules=none',
    '-O/dev/null',
    '--no-ext-diff',
    '--no-textconv',
    '--no-color',
    '--end-of-options',
  ];
}
