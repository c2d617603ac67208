import type { GapReason } from '../../core/event.js';
import type { Candidate, Copies } from './copies.js';
import type { OpenFiles } from './open-files.js';
import type { Positions } from './tail-position.js';
import type { TailedFile } from './tailed-file.js';

/** Lines that can no longer be had, or may have been there. */
export interface Loss {
  readonly file: TailedFile;
  readonly reason: GapReason;
  readonly detail: string;
}

/** The files of one name, and what a look found of them. */
export interface Sight {
  readonly path: string;
  /** In the order in which they were written. */
  readonly files: readonly TailedFile[];
  /** Those that are not where they were. */
  readonly gone: readonly TailedFile[];
}

export interface Succession {
  readonly losses: readonly Loss[];
  /** Those that were found under another name, or are open without one. */
  readonly moved: readonly TailedFile[];
  /** Those of which nothing is left. */
  readonly lost: readonly TailedFile[];
  /** What was written after all of them and has another name by now, oldest first. */
  readonly later: readonly Candidate[];
  /** Names that rotation gave, in the order in which what they hold was written. */
  readonly order: readonly string[];
  /** Those are copies of a file that was cut off again and again. */
  readonly isCut: boolean;
  /** Names changed meanwhile: another look has to find out the rest. */
  readonly isSettled: boolean;
}

const NOTHING: Succession = { losses: [], moved: [], lost: [], later: [], order: [], isCut: false, isSettled: true };

/** What became of the files of a name, and which others came and went since. */
export class Successions {
  readonly #copies: Copies;
  readonly #open: OpenFiles;
  readonly #positions: Positions<TailedFile>;

  constructor({ copies, open, positions }: { copies: Copies; open: OpenFiles; positions: Positions<TailedFile> }) {
    this.#copies = copies;
    this.#open = open;
    this.#positions = positions;
  }

  /** Files that are gone are moved to where they are now. */
  async find({ path, files, gone }: Sight): Promise<Succession> {
    // Empty when they were looked at, and not written to since: there is nothing to look for, in however many files.
    if (gone.length === 0 && files.every(({ isBlank, isUnread }) => isBlank && !isUnread)) return NOTHING;
    const known = readOf(files);
    const last = known.at(-1);
    const isOver = last === undefined || last.rotatedAt !== undefined || gone.includes(last);
    if (gone.length === 0 && !isOver) return NOTHING;
    const all = this.#copies.candidates(path);
    // What has the name was written to before: whatever has another name by now is a copy of it.
    const isCut = files.some((file) => (file.isChanged || file.isUntouched) && this.#isUnder(path, file));
    const taken = new Map(files.filter((file) => !gone.includes(file)).map((file) => [file.place, file.inode]));
    const isMoving = all.some((one) => taken.has(one.path) && taken.get(one.path) !== one.stats.ino);
    if (isMoving) return { ...NOTHING, isSettled: false };
    const free = new Set(all.filter((candidate) => !taken.has(candidate.path)));
    const losses: Loss[] = [];
    const lost: TailedFile[] = [];
    for (const file of gone) {
      const { isLost, loss } = await this.#move(file, free, isCut && file.rotatedAt === undefined);
      if (isLost) lost.push(file);
      if (loss !== undefined) losses.push(loss);
    }
    const moved = gone.filter((file) => !lost.includes(file));
    const later = isOver ? await this.#written(path, this.#laterOf(files, lost, all), free) : [];
    if (lost.length + later.length === 0 || this.#copies.isStill(path, all)) {
      const areCopies = isCut || this.#areCopies(path, files, later);
      const order = all.map((each) => each.path);
      return { losses, moved, lost, later, order, isCut: areCopies, isSettled: true };
    }
    return { ...NOTHING, losses: losses.filter(({ file }) => !lost.includes(file)), moved, isSettled: false };
  }

  async #move(file: TailedFile, free: Set<Candidate>, isCut: boolean): Promise<{ isLost: boolean; loss?: Loss }> {
    // Read to its end through the descriptor, whether it still has a name or not.
    if (this.#open.has(file) && !file.isChanged) {
      const itself = [...free].find(({ stats }) => stats.ino === file.inode);
      const holder = itself ?? (await this.#holderOf(file, free));
      file.place = itself?.path;
      file.heldBy = holder?.path;
      file.isUnread = true;
      if (holder !== undefined) free.delete(holder);
      return { isLost: false };
    }
    const { modified, state } = this.#positions.get(file);
    const isComplete = state === 'complete';
    const found = await this.#copies.find({ ...file.position, modified }, [...free]);
    if (found === undefined || (found.match === 'part' && !isCut && !isComplete)) {
      if (isCut) return { isLost: true, loss: lossOf(file, 'and no copy of it is found') };
      return isComplete || file.isBlank ? { isLost: true } : { isLost: true, loss: vanished(file) };
    }
    file.isComplete = isComplete;
    free.delete(found.candidate);
    this.#open.close(file);
    file.moveTo(found.candidate.path, found.candidate.stats);
    file.isCut ||= isCut;
    if (found.match === 'all') return { isLost: false };
    const loss = file.isCut ? lossOf(file, 'its copy was made before that') : undefined;
    file.end();
    return { isLost: false, ...(loss && { loss }) };
  }

  /**
   * What comes after the last file of which something was read; where nothing is left of that one, after the one before
   * it; where nothing was ever read, after the first one was looked at.
   */
  #laterOf(files: readonly TailedFile[], lost: readonly TailedFile[], all: readonly Candidate[]): readonly Candidate[] {
    const known = readOf(files);
    for (const file of known.toReversed()) {
      const at = lost.includes(file) ? -1 : all.findIndex(({ path }) => path === (file.place ?? file.heldBy));
      if (at === -1) continue;
      const isSmall = ({ stats }: Candidate): boolean =>
        lost.some((one) => stats.size < one.head[0] && stats.mtimeMs <= this.#writtenAt(one));
      // Too small to be compared with what was read of one that is lost: a part of that one, as its time says.
      return all.slice(at + 1).filter((candidate) => !isSmall(candidate));
    }
    const last = known.at(-1) ?? files.at(0);
    return all.filter(({ stats }) => last !== undefined && stats.mtimeMs > this.#writtenAt(last));
  }

  /** What an open file without a name was compressed to, or copied. */
  async #holderOf(file: TailedFile, free: ReadonlySet<Candidate>): Promise<Candidate | undefined> {
    const found = await this.#copies.find(file.position, [...free]);
    return found?.match === 'all' ? found.candidate : undefined;
  }

  /**
   * Whether what has the name is the file that was looked at, and not another one, made since, with the same inode. Where
   * the file system does not tell when, it is taken for the same: a gap too many is better than one too few.
   */
  #isUnder(path: string, file: TailedFile): boolean {
    if (this.#copies.statOf(path)?.ino !== file.inode) return false;
    const born = this.#copies.bornAt(path);
    return born === undefined || born <= this.#writtenAt(file);
  }

  /**
   * Whether they are copies, where what has the name was not looked at yet: it was there before they were written to
   * last. What is given a new file instead of being cut off has one that is younger.
   */
  #areCopies(path: string, files: readonly TailedFile[], later: readonly Candidate[]): boolean {
    if (files.some(({ rotatedAt }) => rotatedAt === undefined) || this.#copies.statOf(path) === undefined) return false;
    const born = this.#copies.bornAt(path);
    return later.some(({ stats }) => born === undefined || born < stats.mtimeMs);
  }

  /** As of when it held what was read: what is in its place now may be something else. */
  #writtenAt(file: TailedFile): number {
    return this.#positions.get(file).modified;
  }

  /** Without copies of what still has the name: it is read there. */
  async #written(path: string, later: readonly Candidate[], free: ReadonlySet<Candidate>): Promise<Candidate[]> {
    const written: Candidate[] = [];
    for (const candidate of later) {
      if (!free.has(candidate) || candidate.stats.size === 0) continue;
      if (!(await this.#copies.isBeginningOf(candidate, path))) written.push(candidate);
    }
    return written;
  }
}

/** Those of which something was read. Of others it is not known what was written before them under the same name. */
export function readOf(files: readonly TailedFile[]): TailedFile[] {
  return files.filter(({ isUntouched }) => !isUntouched);
}

function lossOf(file: TailedFile, why: string): Loss {
  const detail = `${file.path} was cut off after ${file.offset} bytes were read of it, ${why}: what came after them is lost`;
  return { file, reason: 'file-truncated', detail };
}

function vanished(file: TailedFile): Loss {
  const detail = `${file.path} is gone after ${file.offset} bytes were read of it, and no rotated file holds them`;
  return { file, reason: 'file-vanished', detail };
}
