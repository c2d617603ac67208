import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { faultPoint } from '../core/fault-point.js';
import { errorCode } from './durable-file.js';

/** Which files and directories are looked at. Paths are relative, with `/` between their parts. */
export interface Selection {
  takesFile(path: string, name: string): boolean;
  entersDirectory(path: string): boolean;
}

/** A regular file, seen just now. */
export interface FoundFile {
  /** Relative, with `/` between its parts. */
  readonly path: string;
  /** The last part of the path. */
  readonly name: string;
  readonly full: string;
  /** Of what a link leads to, where it is one. */
  readonly stats: Stats;
  readonly isLink: boolean;
}

/** Something that could not be looked at. */
export interface Obstacle {
  readonly path: string;
  readonly code: string;
  readonly isDirectory: boolean;
}

/** Some files of one directory. */
export interface Slice {
  readonly directory: string;
  readonly files: readonly FoundFile[];
  readonly obstacles: readonly Obstacle[];
}

export interface WalkerOptions {
  /** The real path of the root. */
  readonly root: string;
  readonly selection: Selection;
  /** 'within': where they stay within the root. 'files': to files, wherever they are; to directories never. */
  readonly followsLinks: 'within' | 'files' | 'never';
  /** Called for every directory before it is read. */
  readonly onDirectory?: ((path: string) => void) | undefined;
}

/**
 * Files whose stat is asked for at once, without giving way: a promise for each would cost ten times as much, and so
 * many take a few milliseconds.
 */
const SLICE = 256;
const SMALL_DIRECTORY_BYTES = 65_536;

/** Walks a tree in the order of its names; loops of symbolic links end. */
export class Walker {
  readonly #options: WalkerOptions;

  constructor(options: WalkerOptions) {
    this.#options = options;
  }

  /** The files of a directory, and of those below it that `enters` accepts. */
  async *walk(
    directory: string,
    enters: (path: string) => boolean = () => true,
    ancestors: readonly string[] = [],
  ): AsyncGenerator<Slice> {
    const { root, selection, onDirectory } = this.#options;
    onDirectory?.(directory);
    const full = join(root, directory);
    let entries: Dirent[];
    try {
      await faultPoint(`walker.readdir:${directory}`);
      entries = await list(full);
    } catch (error) {
      yield {
        directory,
        files: [],
        obstacles: [{ path: directory, code: errorCode(error) ?? 'unknown', isDirectory: true }],
      };
      return;
    }
    entries.sort((one, other) => (one.name < other.name ? -1 : 1));
    const prefix = directory === '' ? '' : `${directory}/`;
    const fullPrefix = full.endsWith(sep) ? full : full + sep;
    const directories: { path: string; real: string | undefined }[] = [];
    for (let from = 0; from < entries.length; from += SLICE) {
      const files: FoundFile[] = [];
      const obstacles: Obstacle[] = [];
      for (let index = from; index < Math.min(from + SLICE, entries.length); index += 1) {
        const entry = entries[index] as Dirent;
        const path = prefix + entry.name;
        if (entry.isFile()) this.#takeFile(path, entry.name, fullPrefix + entry.name, false, files, obstacles);
        else if (entry.isDirectory()) directories.push({ path, real: undefined });
        else if (entry.isSymbolicLink()) this.#takeLink(path, entry.name, fullPrefix + entry.name, files, directories);
      }
      if (files.length > 0 || obstacles.length > 0) yield { directory, files, obstacles };
    }
    const here =
      ancestors.length === 0 && directories.every(({ real }) => real === undefined)
        ? []
        : [...ancestors, realpathSync(full)];
    for (const { path, real } of directories) {
      if (!selection.entersDirectory(path) || !enters(path)) continue;
      if (real !== undefined && (here.includes(real) || here.some((above) => above.startsWith(real + sep)))) continue;
      yield* this.walk(path, enters, here);
    }
  }

  #takeFile(
    path: string,
    name: string,
    full: string,
    isLink: boolean,
    files: FoundFile[],
    obstacles: Obstacle[],
  ): void {
    if (!this.#options.selection.takesFile(path, name)) return;
    try {
      const stats = statSync(full);
      if (stats.isFile()) files.push({ path, name, full, stats, isLink });
    } catch (error) {
      const code = errorCode(error) ?? 'unknown';
      // Gone since it was listed, or a name that is no text: then it is there, and cannot be asked for.
      if (code !== 'ENOENT' || name.includes('\ufffd')) obstacles.push({ path, code, isDirectory: false });
    }
  }

  #takeLink(
    path: string,
    name: string,
    full: string,
    files: FoundFile[],
    directories: { path: string; real: string | undefined }[],
  ): void {
    const { root, followsLinks } = this.#options;
    if (followsLinks === 'never') return;
    if (followsLinks === 'files') return this.#takeFile(path, name, full, true, files, []);
    try {
      const real = realpathSync(full);
      if (real !== root && !real.startsWith(root + sep)) return;
      if (statSync(real).isDirectory()) directories.push({ path, real });
      else this.#takeFile(path, name, full, true, files, []);
    } catch {
      // A link that leads nowhere, or in a circle, is no file.
    }
  }
}

/**
 * A small directory is read at once: asking another thread for it costs more than the reading. Most file systems tell by
 * the size of a directory whether it is small.
 */
async function list(directory: string): Promise<Dirent[]> {
  const isSmall = statSync(directory).size <= SMALL_DIRECTORY_BYTES;
  if (!isSmall) return readdir(directory, { withFileTypes: true });
  // Every so often somebody else has to have a turn.
  await setImmediate();
  return readdirSync(directory, { withFileTypes: true });
}
