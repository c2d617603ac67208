import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { errorCode } from '../durable-file.js';
import { Hints } from '../hints.js';
import type { Line } from '../lines/line.js';
import { LineSplitter } from '../lines/line-splitter.js';
import { Closing } from './closing.js';
import { Copies } from './copies.js';
import { FileFinder, shownPath } from './file-finder.js';
import { headOf, readInflatedHead } from './fingerprint.js';
import { Keys } from './keys.js';
import { FileMovedError, OpenFiles } from './open-files.js';
import { pathIn } from './paths.js';
import { Roster } from './roster.js';
import { rotatedNames } from './rotated-names.js';
import type { Loss } from './succession.js';
import { Positions, type TailPosition } from './tail-position.js';
import { FileChangedError, type TailedFile } from './tailed-file.js';
import type { TailerOptions, TailStep } from './tailer-options.js';
import { Waiting } from './waiting.js';

const MOST_FUTILE_LOOKS = 3;
/** So often files are looked at in a row where they are renamed all the time. */
const MOST_LOOKS = 20;

/**
 * Reads files that others write to: a block of lines of each in turn, and on through whatever rotation does with them.
 * What the system tells of changes is a hint; the truth is what a look finds. The positions of lines that were handed
 * out are set by whoever takes them.
 */
export class Tailer {
  readonly positions = new Positions<TailedFile>();
  readonly #options: TailerOptions;
  readonly #keys: Keys;
  readonly #open: OpenFiles;
  readonly #splitter: LineSplitter;
  readonly #finder: FileFinder;
  readonly #roster: Roster;
  readonly #hints: Hints | undefined;
  readonly #waiting: Waiting;
  /** Those that may have something to read. */
  readonly #queue = new Set<TailedFile>();
  readonly #closing: Closing;
  /** Files whose beginning was taken since the last look began: what was written before them is found by the next. */
  readonly #met = new Set<TailedFile>();
  /** Directories that the last look went through. */
  readonly #visited = new Set<string>();
  #isFirstLook: boolean;
  #futileLooks = 0;
  #needsLook = true;
  #nextLookAt = 0;

  constructor(options: TailerOptions) {
    const { root, rotated, from, clock, signal, logger } = options;
    this.#options = options;
    this.#isFirstLook = from === undefined;
    this.#keys = new Keys(
      from?.retired ?? [],
      (from?.files ?? []).map(({ key }) => key),
    );
    this.#open = new OpenFiles(root, options.maxOpenFiles);
    this.#splitter = new LineSplitter(options);
    this.#closing = new Closing(options);
    const copies = new Copies(root, rotatedNames(rotated), rotated);
    const now = (): number => clock.now();
    const isTaken = (path: string): boolean => this.#finder.takes(path);
    this.#roster = new Roster({ positions: this.positions, keys: this.#keys, copies, open: this.#open, isTaken, now });
    this.#roster.restore(from?.files ?? []);
    this.#waiting = new Waiting(clock, signal);
    this.#hints = options.follow && options.watch ? new Hints('', logger, this.#hint) : undefined;
    this.#finder = new FileFinder({ ...options, onDirectory: this.#enter });
  }

  readonly #enter = (directory: string): void => {
    this.#visited.add(directory);
    this.#hints?.watch(directory);
  };

  /** Keys of files that are gone; a part of cursors. */
  get retired(): readonly string[] {
    return this.#keys.retired;
  }

  /** Whoever set the position of a file to an earlier one: what is known of it besides has changed since. */
  refresh(file: TailedFile): void {
    if (this.positions.has(file)) this.#roster.refresh(file);
  }

  async *read(): AsyncGenerator<TailStep, void, undefined> {
    try {
      for (;;) {
        if (this.#needsLook) yield* this.#look();
        yield* this.#readQueue();
        if (this.#needsLook) continue;
        yield* this.#closeQuiet();
        yield { kind: 'quiet' };
        if (!this.#options.follow) return;
        this.#options.onCaughtUp();
        await this.#wait();
      }
    } finally {
      this.#waiting.close();
      this.#hints?.close();
      this.#open.closeAll();
    }
  }

  async *#look(): AsyncGenerator<TailStep> {
    const { clock, start, pollIntervalMs, rescanIntervalMs } = this.#options;
    this.#needsLook = false;
    this.#met.clear();
    const { losses, hasLinks } = await this.#compare();
    for (const file of this.#roster.files) {
      const isNew = file.isUnread && file.head[0] === 0 && file.size > 0;
      if (isNew) await this.#meet(file, this.#isFirstLook && start(file.modified) === 'end');
      if (isNew && !file.isBlank && !this.#isFirstLook) this.#waitForLook(file);
      if (file.isUnread) this.#queue.add(file);
      else this.#closing.add(file);
    }
    this.#isFirstLook = false;
    for (const loss of losses) yield { kind: 'gap', ...loss };
    // A link may lead to where nothing is told of.
    const isBlind = this.#hints === undefined || this.#hints.isBlind || hasLinks;
    this.#nextLookAt = clock.now() + (isBlind ? pollIntervalMs : rescanIntervalMs);
  }

  /** Compares what there is with what is known, again and again where files are renamed meanwhile. */
  async #compare(): Promise<{ losses: readonly Loss[]; hasLinks: boolean }> {
    const losses: Loss[] = [];
    for (let left = MOST_LOOKS; ; left -= 1) {
      this.#visited.clear();
      const found = await this.#finder.find();
      this.#hints?.keepOnly((directory) => this.#visited.has(directory));
      const comparison = await this.#roster.compare(found);
      losses.push(...comparison.losses);
      if (comparison.isSettled || left === 0) return { losses, hasLinks: found.hasLinks };
    }
  }

  /** One block of each in turn, so that none waits for a large one. */
  async *#readQueue(): AsyncGenerator<TailStep> {
    while (this.#queue.size > 0) {
      for (const file of [...this.#queue]) {
        if (!this.positions.has(file)) this.#queue.delete(file);
        // What was written before it under the same name comes first.
        else if (!(await this.#mustWait(file)) && (file.before === undefined || !this.#queue.has(file.before))) {
          yield* this.#attempt(file, (descriptor) => this.#readFrom(file, descriptor));
          // Behind the others, whatever comes in between.
          if (this.#queue.delete(file) && file.isUnread) this.#queue.add(file);
        }
        if (this.#options.clock.now() >= this.#nextLookAt) this.#needsLook = true;
        if (this.#needsLook) return;
      }
    }
  }

  /**
   * A file of which nothing was read is known by its beginning before names are looked at: so whatever it held before,
   * and was copied and cut off, is found by the look.
   */
  async #mustWait(file: TailedFile): Promise<boolean> {
    if (file.isBlank) {
      await this.#meet(file, false);
      if (!file.isBlank) this.#waitForLook(file);
    }
    return this.#met.has(file);
  }

  #waitForLook(file: TailedFile): void {
    this.#met.add(file);
    this.#needsLook = true;
  }

  /** Reads from a file, whatever happened to it. */
  async *#attempt(
    file: TailedFile,
    readFrom: (descriptor: number) => AsyncIterable<TailStep>,
  ): AsyncGenerator<TailStep> {
    try {
      const descriptor = this.#open.open(file);
      file.obstacle = undefined;
      yield* readFrom(descriptor);
      this.#futileLooks = 0;
    } catch (error) {
      this.#queue.delete(file);
      if (error instanceof FileChangedError) this.#change(file);
      else if (error instanceof FileMovedError || errorCode(error) === 'ENOENT') this.#lookSoon();
      else yield* this.#stumble(file, error);
    }
  }

  async *#readFrom(file: TailedFile, descriptor: number): AsyncGenerator<TailStep> {
    const { onBytes, onWork } = this.#options;
    onWork();
    let { tail } = file;
    const blocks = file.isGzip
      ? file.inflateLines(descriptor, this.#splitter, onBytes)
      : file.readLines(descriptor, this.#splitter, onBytes);
    for await (const lines of blocks) {
      yield this.#lines(file, lines, tail, descriptor);
      tail = file.tail;
    }
    if (file.isUnread) return;
    if (file.isCut) yield* this.#endCut(file, descriptor);
    this.#roster.refresh(file);
    this.#closing.add(file);
  }

  /** Nobody can tell whether something was written between the copying of a file and its cutting. */
  async *#endCut(file: TailedFile, descriptor: number): AsyncGenerator<TailStep> {
    const { tail, path } = file;
    const lines = file.takeRest(this.#splitter, 'end');
    if (lines.length > 0) yield this.#lines(file, lines, tail, descriptor);
    file.end();
    this.#roster.refresh(file);
    const detail =
      `${path} was cut off; its copy ${file.place} was read to its end, byte ${file.offset}, ` +
      'but what was written between the copying and the cutting is lost';
    yield { kind: 'gap', file, reason: 'file-truncated', detail };
  }

  #lines(file: TailedFile, lines: readonly Line[], tail: TailPosition['tail'], descriptor: number): TailStep {
    file.key ??= this.#keys.make(file.inode, file.firstLine(descriptor));
    return { kind: 'lines', file, lines, tail };
  }

  /** The file was cut off, written anew, or is another one: a look finds out what became of it. */
  #change(file: TailedFile): void {
    file.isChanged = true;
    this.#open.close(file);
    // A rotated file is looked for where it is said to be; that may be wrong again.
    if (file.rotatedAt === undefined) this.#needsLook = true;
    else this.#lookSoon();
  }

  /** Not at once again and again: a file system may contradict itself. */
  #lookSoon(): void {
    this.#futileLooks += 1;
    if (this.#futileLooks <= MOST_FUTILE_LOOKS) this.#needsLook = true;
    else this.#nextLookAt = Math.min(this.#nextLookAt, this.#options.clock.now() + this.#options.pollIntervalMs);
  }

  /** Ends of lines that never came, and files that nobody writes to any more. */
  async *#closeQuiet(): AsyncGenerator<TailStep> {
    for (const file of this.#closing.files) {
      if (!this.positions.has(file) || file.isUnread) this.#closing.delete(file);
      else yield* this.#closeIfQuiet(file);
    }
  }

  async *#closeIfQuiet(file: TailedFile): AsyncGenerator<TailStep> {
    const { clock, completeAfterMs } = this.#options;
    const now = clock.now();
    const isIdle = now >= this.#closing.idleAt(file);
    const isOver = now >= this.#closing.completeAt(file);
    if (isOver && !file.isComplete) {
      file.isComplete = true;
      this.#roster.refresh(file);
    }
    if (file.isCutOff && isOver) yield* this.#giveUp(file, 'it ends in the middle');
    else if (isIdle || (isOver && file.hasRest)) {
      yield* this.#attempt(file, (descriptor) => this.#readRest(file, descriptor, isOver ? 'end' : 'continued'));
    }
    const isWaiting = file.rotatedAt !== undefined || this.#closing.idleAt(file) < Number.POSITIVE_INFINITY;
    if (isOver && file.rotatedAt !== undefined) this.#finish(file);
    else if (!isWaiting || completeAfterMs === 0) this.#closing.delete(file);
  }

  async *#readRest(file: TailedFile, descriptor: number, how: 'end' | 'continued'): AsyncGenerator<TailStep> {
    const before = file.offset;
    yield* this.#readFrom(file, descriptor);
    if (file.offset !== before || !file.hasRest) return;
    const { tail } = file;
    const lines = file.takeRest(this.#splitter, how);
    if (lines.length > 0) yield this.#lines(file, lines, tail, descriptor);
  }

  /**
   * Forgotten, once the position of its last line is taken; but not one that would be found again, and not one by which
   * later ones are told from earlier ones.
   */
  #finish(file: TailedFile): void {
    if (!this.positions.has(file) || this.positions.get(file).offset < file.offset) return;
    this.#closing.delete(file);
    this.#open.close(file);
    const isFoundAgain = file.place !== undefined && this.#finder.takes(file.place);
    if (!isFoundAgain && !this.#roster.isNeeded(file)) this.#roster.forget(file);
  }

  /** The operating system does not let us read it, or it is damaged: told of once. */
  async *#stumble(file: TailedFile, error: unknown): AsyncGenerator<TailStep> {
    const code = errorCode(error);
    if (code === undefined) throw error;
    // One that is being compressed right now ends like that. There will be more of it.
    if (code === 'Z_BUF_ERROR') {
      file.isCutOff = true;
      file.isUnread = false;
      this.#closing.add(file);
    } else if (code.startsWith('Z_')) yield* this.#giveUp(file, `it is damaged (${code})`);
    else if (file.obstacle !== code) {
      file.obstacle = code;
      yield { kind: 'problem', file, code };
    }
  }

  async *#giveUp(file: TailedFile, why: string): AsyncGenerator<TailStep> {
    const detail = `${file.place} cannot be read to its end after ${file.offset} bytes: ${why}`;
    this.#roster.forget(file);
    yield { kind: 'gap', file, reason: 'truncated', detail };
  }

  /** Looks at its beginning at once, so that it is known again whatever happens to it before its turn comes. */
  async #meet(file: TailedFile, beginsAtEnd: boolean): Promise<void> {
    try {
      const descriptor = this.#open.open(file);
      // It was opened when it was empty.
      if (file.isBlank) file.check(descriptor);
      if (file.isGzip) file.head = headOf(await readInflatedHead(descriptor));
      if (file.isGzip && beginsAtEnd) file.end();
      else if (beginsAtEnd) file.beginAtEnd(descriptor);
      this.positions.set(file, file.position);
    } catch {
      // Then it is not there, or cannot be read; the queue finds out which.
    }
  }

  readonly #hint = (directory: string, name: string | undefined, isListed: boolean): void => {
    const path = name === undefined ? undefined : shownPath(this.#options.root, pathIn(directory, name));
    const file = path === undefined ? undefined : this.#roster.at(path);
    if (!isListed && file !== undefined) this.#queue.add(file);
    else if (file !== undefined || path === undefined || this.#finder.mayHold(path)) this.#needsLook = true;
    this.#waiting.wake();
  };

  /** Until something happened, or may have. */
  async #wait(): Promise<void> {
    const { clock, dueAt, signal } = this.#options;
    if (!this.#needsLook && this.#queue.size === 0) {
      await this.#waiting.until(Math.min(this.#nextLookAt, this.#closing.nextAt, dueAt() ?? Number.POSITIVE_INFINITY));
    }
    signal.throwIfAborted();
    if (clock.now() >= this.#nextLookAt) this.#needsLook = true;
    for (const file of this.#queue) this.#see(file);
  }

  #see(file: TailedFile): void {
    const { root, clock } = this.#options;
    const place = file.place === undefined ? undefined : resolve(root, file.place);
    const stats = place === undefined ? undefined : statSync(place, { throwIfNoEntry: false });
    if (stats?.ino !== file.inode) this.#needsLook = true;
    else file.see(stats, clock.now());
    if (!file.isUnread) this.#queue.delete(file);
  }
}
