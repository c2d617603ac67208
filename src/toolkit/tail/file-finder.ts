import { statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { NotFoundError, PermissionError } from '../../core/errors.js';
import { compileGlobs, isGlob } from '../glob.js';
import { type FoundFile, type Selection, Walker } from '../walker.js';
import { parentOf } from './paths.js';

export interface FileFinderOptions {
  /** The real path of the directory that globs are relative to. */
  readonly root: string;
  readonly files: readonly string[];
  readonly exclude: readonly string[];
  readonly followsLinks: boolean;
  /** Called with every directory, absolute, before it is read. */
  readonly onDirectory: (path: string) => void;
}

/** What a search found. Paths are relative to the root where they are below it, otherwise absolute. */
export interface Found {
  /** One for each file, even where several names lead to it. */
  readonly files: ReadonlyMap<string, FoundFile>;
  /** Directories and files that could not be looked at, with the reason: what is known of them stays. */
  readonly unread: ReadonlyMap<string, string>;
  readonly hasLinks: boolean;
}

/** One directory in which to search, and the patterns, relative to it, of what is searched there. */
interface Ground {
  readonly base: string;
  readonly selection: Selection;
  readonly walker: Walker;
}

/** Finds the files of globs. */
export class FileFinder {
  readonly #options: FileFinderOptions;
  readonly #grounds: readonly Ground[];

  constructor(options: FileFinderOptions) {
    this.#options = options;
    this.#grounds = groundsOf(options);
  }

  /** The directories that have to be there. */
  get bases(): readonly string[] {
    return this.#grounds.map(({ base }) => base);
  }

  /** Whether a path, as it is written in events, is one of a file that is searched for. */
  takes(path: string): boolean {
    return this.#grounds.some(({ base, selection }) => {
      const below = this.#below(base, path);
      return below !== undefined && selection.takesFile(below, '');
    });
  }

  /** The same, or of a directory in which one may be. */
  mayHold(path: string): boolean {
    if (this.takes(path)) return true;
    const isEntered = this.#grounds.some(({ base, selection }) => {
      const below = this.#below(base, path);
      return below !== undefined && selection.entersDirectory(below);
    });
    if (!isEntered) return false;
    const stats = statSync(resolve(this.#options.root, path), { throwIfNoEntry: false });
    return stats === undefined || stats.isDirectory();
  }

  /** @throws NotFoundError, PermissionError when a directory in which to search cannot be read (LOG_ROOT) */
  async find(): Promise<Found> {
    const files = new Map<string, FoundFile>();
    const unread = new Map<string, string>();
    const seen = new Set<string>();
    let hasLinks = false;
    for (const { base, walker } of this.#grounds) {
      for await (const slice of walker.walk('')) {
        for (const { path, code, isDirectory } of slice.obstacles) {
          if (path === '' && isDirectory) throw noRoot(base, code);
          if (!isDirectory || (code !== 'ENOENT' && code !== 'ENOTDIR')) unread.set(this.#shown(base, path), code);
        }
        for (const file of slice.files) {
          const identity = `${file.stats.dev}:${file.stats.ino}`;
          hasLinks ||= file.isLink;
          if (seen.has(identity)) continue;
          seen.add(identity);
          files.set(this.#shown(base, file.path), file);
        }
      }
    }
    return { files, unread, hasLinks };
  }

  #below(base: string, path: string): string | undefined {
    const below = shownPath(base, resolve(this.#options.root, path));
    return below.startsWith('/') ? undefined : below;
  }

  /** As it is written in events and cursors. */
  #shown(base: string, path: string): string {
    return shownPath(this.#options.root, resolve(base, path));
  }
}

/** Relative to the root where it is below it. */
export function shownPath(root: string, full: string): string {
  const prefix = root.endsWith(sep) ? root : root + sep;
  const path = full.startsWith(prefix) ? full.slice(prefix.length) : full;
  return sep === '/' ? path : path.replaceAll(sep, '/');
}

function groundsOf({ root, files, exclude, followsLinks, onDirectory }: FileFinderOptions): Ground[] {
  const byBase = new Map<string, string[]>();
  for (const glob of files) {
    const full = resolve(root, glob).replaceAll(sep, '/');
    const base = baseOf(full);
    byBase.set(base, [...(byBase.get(base) ?? []), full]);
  }
  const isExcluded = compileGlobs(exclude.map((glob) => resolve(root, glob).replaceAll(sep, '/')));
  return [...byBase].map(([base, globs]) => {
    const selection = selectionOf(base, globs, isExcluded);
    const options = { root: base, selection, followsLinks: followsLinks ? ('files' as const) : ('never' as const) };
    const walker = new Walker({ ...options, onDirectory: (path) => onDirectory(resolve(base, path)) });
    return { base, selection, walker };
  });
}

function selectionOf(base: string, globs: readonly string[], isExcluded: (path: string) => boolean): Selection {
  const isIncluded = compileGlobs(globs);
  const prefix = base.endsWith('/') ? base : `${base}/`;
  const depth = Math.max(...globs.map((glob) => depthOf(glob.slice(prefix.length))));
  return {
    takesFile: (path) => isIncluded(prefix + path) && !isExcluded(prefix + path),
    entersDirectory: (path) => path.split('/').length < depth && !isExcluded(prefix + path),
  };
}

/** The part of a pattern before the first that is not a plain name. */
function baseOf(glob: string): string {
  const parts = glob.split('/');
  const first = parts.findIndex(isGlob);
  return first === -1 ? parentOf(glob) : parts.slice(0, first).join('/') || '/';
}

/** How many names a path has that matches. */
function depthOf(glob: string): number {
  return glob.includes('**') || glob.includes('{') ? Number.POSITIVE_INFINITY : glob.split('/').length;
}

function noRoot(base: string, code: string): Error {
  const options = { code: 'LOG_ROOT' };
  if (code === 'EACCES' || code === 'EPERM') {
    return new PermissionError(`the directory ${base} may not be read (${code}): check its owner and mode`, options);
  }
  return new NotFoundError(
    `the directory ${base} does not exist (${code}): correct "files" or "dir", or is it not mounted?`,
    options,
  );
}
