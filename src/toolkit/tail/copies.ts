import { closeSync, constants, openSync, readdirSync, type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { faultPoint } from '../../core/fault-point.js';
import { isGzip } from '../lines/gunzip.js';
import { sortByAge } from './by-age.js';
import { HEAD_BYTES, type Match, match, matchInflated, readBytes, readHead } from './fingerprint.js';
import { parentOf, pathIn } from './paths.js';
import type { RotatedNames } from './rotated-names.js';
import type { TailPosition } from './tail-position.js';

/** A list is taken again until nothing changes meanwhile, so often at most. */
const MOST_LISTS = 10;
/** What was read of a file that its copy does not have was read before it was cut off: not longer ago than that. */
const MOST_AHEAD_MS = 60_000;

/** A file that may be what became of another one. */
export interface Candidate {
  readonly path: string;
  readonly stats: Stats;
}

/** Looks for what became of a file: among the names that rotation gives, by content. */
export class Copies {
  readonly #root: string;
  readonly #isRotated: RotatedNames;
  readonly #directoriesOf: (path: string) => readonly string[];

  /** @param globs - see `rotatedNames` */
  constructor(root: string, isRotated: RotatedNames, globs: readonly string[] | undefined) {
    this.#root = root;
    this.#isRotated = isRotated;
    this.#directoriesOf = (path) => {
      const parent = parentOf(path);
      return globs === undefined ? [parent] : [...new Set(globs.map((glob) => parentOf(pathIn(parent, glob))))];
    };
  }

  isRotated(path: string, of: string): boolean {
    return this.#isRotated(path, of);
  }

  statOf(path: string): Stats | undefined {
    return statSync(resolve(this.#root, path), { throwIfNoEntry: false });
  }

  /** When a file was made; undefined where the file system does not tell: some give the time of the last change. */
  bornAt(path: string): number | undefined {
    const born = this.statOf(path)?.birthtimeMs;
    // A directory changes with every name in it.
    const directory = this.statOf(parentOf(path));
    const isTold = directory !== undefined && directory.birthtimeMs !== directory.ctimeMs;
    return isTold && born !== undefined && born > 0 ? born : undefined;
  }

  /** What has a name that rotation gives, oldest first. */
  candidates(of: string): Candidate[] {
    let candidates = this.#listOf(of);
    for (let lists = 1; lists < MOST_LISTS && !this.isStill(of, candidates); lists += 1) candidates = this.#listOf(of);
    void faultPoint(`tail.list:${of}`);
    return sortByAge(candidates);
  }

  /** Whether these are still the candidates: rotation renames one file after the other. */
  isStill(of: string, candidates: readonly Candidate[]): boolean {
    return signatureOf(this.#listOf(of)) === signatureOf(candidates);
  }

  /**
   * The one that holds what was read of a file: the file itself under another name, a copy, or compressed. Where there is
   * none, one that holds a part of it: more was read than was there when the copy was made.
   */
  async find(
    position: TailPosition,
    candidates: readonly Candidate[],
  ): Promise<{ candidate: Candidate; match: Match } | undefined> {
    const isItself = ({ stats }: Candidate): boolean => stats.ino === position.inode;
    const others = candidates.filter((candidate) => !isItself(candidate));
    let part: Candidate | undefined;
    for (const candidate of [...candidates.filter(isItself), ...others]) {
      const found = await this.match(candidate.path, position);
      if (found === 'all') return { candidate, match: found };
      const isLate = candidate.stats.mtimeMs >= position.modified - MOST_AHEAD_MS;
      if (found === 'part' && isLate) part ??= candidate;
    }
    return part && { candidate: part, match: 'part' };
  }

  /** Whether a file holds what was read of another one. */
  async match(path: string, position: TailPosition): Promise<Match | undefined> {
    if (position.head[0] === 0) return undefined;
    return this.#inspect(path, (descriptor, head) =>
      isGzip(head) ? matchInflated(descriptor, position) : match(descriptor, position),
    );
  }

  /** Whether another file begins with all that a file holds: as long as it is not cut off, that one is a copy of it. */
  async isBeginningOf({ path, stats }: Candidate, other: string): Promise<boolean> {
    const from = Math.max(0, stats.size - HEAD_BYTES);
    const pieces = (descriptor: number, head: Buffer): Buffer =>
      Buffer.concat([head.subarray(0, stats.size), readBytes(descriptor, stats.size - from, from)]);
    const own = await this.#inspect(path, pieces);
    return own !== undefined && (await this.#inspect(other, pieces))?.equals(own) === true;
  }

  async #inspect<Result>(
    path: string,
    look: (descriptor: number, head: Buffer) => Result | Promise<Result>,
  ): Promise<Result | undefined> {
    const descriptor = this.#open(path);
    if (descriptor === undefined) return undefined;
    try {
      return await look(descriptor, readHead(descriptor));
    } finally {
      closeSync(descriptor);
    }
  }

  /** What cannot be opened, or is gone by now, holds nothing. */
  #open(path: string): number | undefined {
    try {
      return openSync(resolve(this.#root, path), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    } catch {
      return undefined;
    }
  }

  #listOf(of: string): Candidate[] {
    const candidates: Candidate[] = [];
    for (const directory of this.#directoriesOf(of)) {
      for (const name of this.#list(directory)) {
        const path = pathIn(directory, name);
        if (!this.#isRotated(path, of)) continue;
        const stats = this.statOf(path);
        if (stats?.isFile() === true) candidates.push({ path, stats });
      }
    }
    // One that is beside what it is made of is not complete yet.
    const paths = new Set(candidates.map(({ path }) => path));
    return candidates.filter(({ path }) => !path.endsWith('.gz') || !paths.has(path.slice(0, -3)));
  }

  #list(directory: string): string[] {
    try {
      return readdirSync(resolve(this.#root, directory));
    } catch {
      return [];
    }
  }
}

function signatureOf(candidates: readonly Candidate[]): string {
  const names = candidates.map(({ path, stats }) => `${path}:${stats.ino}`);
  return names.sort().join('\n');
}
