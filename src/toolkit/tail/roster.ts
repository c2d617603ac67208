import type { FoundFile } from '../walker.js';
import type { Candidate, Copies } from './copies.js';
import type { Found } from './file-finder.js';
import type { Keys } from './keys.js';
import type { OpenFiles } from './open-files.js';
import { type Loss, readOf, type Succession, Successions } from './succession.js';
import type { Positions, TailPosition } from './tail-position.js';
import { type FileStats, TailedFile, UNKNOWN } from './tailed-file.js';

export interface RosterOptions {
  readonly positions: Positions<TailedFile>;
  readonly keys: Keys;
  readonly copies: Copies;
  readonly open: OpenFiles;
  /** Whether a name is one that is searched for. */
  readonly isTaken: (path: string) => boolean;
  readonly now: () => number;
}

/** Who is who: the files that are known, and those that a look found. */
export class Roster {
  readonly #options: RosterOptions;
  /** Found, and known to be copies of files that are being read. */
  readonly #copiesSeen = new Map<string, TailedFile>();
  #byPlace: Map<string, TailedFile> | undefined;
  /** The files of each name, in the order in which they were written. */
  readonly #names = new Map<string, TailedFile[]>();

  readonly #successions: Successions;

  constructor(options: RosterOptions) {
    this.#options = options;
    this.#successions = new Successions(options);
  }

  get files(): TailedFile[] {
    return [...this.#options.positions.files];
  }

  /** The file that had this name when it was last looked at. */
  at(place: string): TailedFile | undefined {
    this.#byPlace ??= new Map(this.files.map((file) => [file.place ?? '', file]));
    return this.#byPlace.get(place);
  }

  /** What it is known by changed, without a line being read. */
  refresh(file: TailedFile): void {
    const { positions } = this.#options;
    const { offset, tail } = positions.get(file);
    positions.set(file, file.positionAt(offset, tail));
  }

  /** Takes over what an earlier run knew; whether it still holds is found out by the first look. */
  restore(positions: readonly TailPosition[]): void {
    for (const position of positions) {
      const { path, place = path, inode, device, modified, state } = position;
      const stats = { ino: inode, dev: device, size: UNKNOWN, mtimeMs: modified };
      const file = new TailedFile(place, stats, position);
      file.isComplete = state === 'complete';
      file.isUnread = !file.isComplete;
      file.isCut = state === 'cut';
      file.isCopy = file.isCut;
      if (state === 'rotated' || file.isCut || place !== path) file.rotatedAt = this.#options.now();
      this.#add(file, position);
    }
  }

  /**
   * Compares what was found with what is known. Returns what was lost; most of those files are not known any more. Where it
   * is not settled, files were renamed meanwhile, and nothing is concluded for their names.
   */
  async compare(found: Found): Promise<{ losses: Loss[]; isSettled: boolean }> {
    this.#byPlace = undefined;
    const left = new Map(found.files);
    const missing = await this.#confirm(left);
    await this.#follow(left, missing);
    const gone = new Set<TailedFile>();
    for (const file of missing) if (!isUnread(file, found) && !(await this.#isThere(file))) gone.add(file);
    const losses: Loss[] = [];
    let isSettled = true;
    for (const path of [...this.#names.keys()]) {
      const succession = await this.#succeed(path, gone, left);
      losses.push(...succession.losses);
      // What has the name now comes after what is not found yet.
      if (!succession.isSettled) left.delete(path);
      isSettled &&= succession.isSettled;
    }
    for (const { path, stats } of await this.#withoutCopies(left)) this.#begin(path, path, stats);
    return { losses, isSettled };
  }

  /**
   * Whether later files of its name are told by it from earlier ones: the last file of which something was read, and the
   * one before it, for when the last one is lost.
   */
  isNeeded(file: TailedFile): boolean {
    return readOf(this.#of(file.path)).slice(-2).includes(file);
  }

  forget(file: TailedFile): void {
    const { keys, open } = this.#options;
    open.close(file);
    keys.retire(file.key);
    this.#remove(file);
  }

  #of(path: string): readonly TailedFile[] {
    return this.#names.get(path) ?? [];
  }

  /** Those that are where they were; they are taken out of `left`. Returns the others. */
  async #confirm(left: Map<string, FoundFile>): Promise<TailedFile[]> {
    const missing: TailedFile[] = [];
    for (const file of this.files) {
      const found = file.place === undefined ? undefined : left.get(file.place);
      if (found !== undefined) await this.#compareBeginning(file);
      if (file.place !== undefined && found?.stats.ino === file.inode && !file.isChanged) {
        left.delete(file.place);
        file.see(found.stats, this.#options.now());
      } else missing.push(file);
    }
    return missing;
  }

  /** What is known by its beginning alone may have been cut off before anything was read of it. */
  async #compareBeginning(file: TailedFile): Promise<void> {
    if (file.place === undefined || !file.isUntouched || file.isBlank) return;
    if ((await this.#options.copies.match(file.place, file.position)) !== 'all') file.isChanged = true;
  }

  /** Those that have another name among what is searched for. */
  async #follow(left: Map<string, FoundFile>, missing: TailedFile[]): Promise<void> {
    const { copies, now } = this.#options;
    const byInode = new Map(missing.map((file) => [file.inode, file]));
    for (const [path, { stats }] of left) {
      const file = byInode.get(stats.ino);
      if (file === undefined || file.isChanged || !(await this.#isAt(path, file))) continue;
      left.delete(path);
      missing.splice(missing.indexOf(file), 1);
      file.place = path;
      if (copies.isRotated(path, file.path)) this.#rotate(file);
      else this.#rename(file, path);
      file.see(stats, now());
    }
  }

  /** Whether a file that has its inode is the same one. While it is open, no other gets that. */
  async #isAt(path: string, file: TailedFile): Promise<boolean> {
    const { copies, open } = this.#options;
    return open.has(file) || file.isBlank || (await copies.match(path, file.position)) === 'all';
  }

  /** Whether it still has the name that it had, although it is not searched for under that. */
  async #isThere(file: TailedFile): Promise<boolean> {
    const { copies, isTaken, now } = this.#options;
    const { place } = file;
    const there = place === undefined ? undefined : copies.statOf(place);
    if (place === undefined || there?.ino !== file.inode || file.isChanged) return false;
    if (there.mtimeMs !== file.modified && !(await this.#isAt(place, file))) return false;
    // The configuration was changed: it is there, but not to be read any more.
    if (file.rotatedAt === undefined && !isTaken(place)) this.forget(file);
    else file.see(there, now());
    return true;
  }

  /** Takes over what rotation did with the files of a name. */
  async #succeed(
    path: string,
    allGone: ReadonlySet<TailedFile>,
    left: ReadonlyMap<string, FoundFile>,
  ): Promise<Succession> {
    const files = [...this.#of(path)];
    const gone = files.filter((file) => allGone.has(file));
    const succession = await this.#successions.find({ path, files, gone });
    const { moved, lost, later, order, isCut } = succession;
    for (const file of moved) this.#rotate(file);
    for (const file of lost) this.forget(file);
    const begun = later.filter((candidate) => !left.has(candidate.path));
    if (begun.length > 0) {
      this.#beginLater(path, begun, isCut);
      this.#arrange(path, order);
    }
    return succession;
  }

  #beginLater(path: string, later: readonly Candidate[], isCut: boolean): void {
    for (const { path: place, stats } of later) {
      const file = this.#begin(place, path, stats);
      file.isCut = isCut;
      file.isCopy = isCut;
      this.#rotate(file);
    }
  }

  /** Puts those of a name of which nothing was read into the order in which they were written; last what has the name. */
  #arrange(path: string, order: readonly string[]): void {
    const rankOf = ({ rotatedAt, place, heldBy }: TailedFile): number =>
      rotatedAt === undefined ? order.length : order.indexOf(place ?? heldBy ?? '');
    const untouched = this.#of(path).filter(({ isUntouched }) => isUntouched);
    for (const file of untouched.sort((one, other) => rankOf(one) - rankOf(other))) {
      const position = this.#options.positions.get(file);
      this.#remove(file);
      this.#add(file, position);
    }
  }

  /** New names, oldest first, but not those of copies: their lines are read in the file that was copied. */
  async #withoutCopies(left: ReadonlyMap<string, FoundFile>): Promise<Candidate[]> {
    const places = new Set(this.files.map(({ place }) => place));
    const fresh: Candidate[] = [];
    for (const [path, { stats }] of left) {
      const candidate = { path, stats };
      if (!places.has(path) && !(await this.#isCopy(candidate))) fresh.push(candidate);
    }
    return fresh.sort((one, other) => one.stats.mtimeMs - other.stats.mtimeMs);
  }

  async #isCopy(candidate: Candidate): Promise<boolean> {
    const { copies } = this.#options;
    const { path, stats } = candidate;
    const key = `${stats.ino}:${stats.mtimeMs}`;
    const seen = this.#copiesSeen.get(key);
    if (seen !== undefined && seen.rotatedAt === undefined && this.#options.positions.has(seen)) return true;
    for (const file of this.files) {
      if (file.rotatedAt !== undefined || file.place === undefined || !copies.isRotated(path, file.path)) continue;
      const isCopy =
        (await copies.match(path, file.position)) === 'all' || (await copies.isBeginningOf(candidate, file.place));
      if (!isCopy) continue;
      this.#copiesSeen.set(key, file);
      return true;
    }
    return false;
  }

  #begin(place: string, path: string, stats: FileStats): TailedFile {
    const file = new TailedFile(place, stats);
    file.path = path;
    this.#add(file, file.position);
    return file;
  }

  #add(file: TailedFile, position: TailPosition): void {
    const files = this.#of(file.path);
    file.before = files.at(-1);
    this.#names.set(file.path, [...files, file]);
    this.#options.positions.add(file, position);
  }

  #remove(file: TailedFile): void {
    this.#options.positions.remove(file);
    const files = this.#of(file.path);
    const next = files[files.indexOf(file) + 1];
    if (next !== undefined) next.before = file.before;
    const others = files.filter((other) => other !== file);
    if (others.length === 0) this.#names.delete(file.path);
    else this.#names.set(file.path, others);
  }

  #rename(file: TailedFile, path: string): void {
    const position = this.#options.positions.get(file);
    this.#remove(file);
    file.path = path;
    this.#add(file, position);
    this.refresh(file);
  }

  #rotate(file: TailedFile): void {
    file.rotatedAt ??= this.#options.now();
    this.refresh(file);
  }
}

/** Its directory could not be looked at, so that it is not known to be gone. */
function isUnread({ path }: TailedFile, { unread }: Found): boolean {
  for (const directory of unread.keys()) if (path === directory || path.startsWith(`${directory}/`)) return true;
  return false;
}
