import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { HeadwaterError, NotFoundError } from '../../core/errors.js';
import { errorCode } from '../../toolkit/durable-file.js';
import type { FoundFile, Obstacle, Walker } from '../../toolkit/walker.js';
import type { FilesystemConfig } from './config.js';
import { FileMovedError, type Ground, hashFile, readWhole } from './content.js';
import type { FilesystemCursor, ReadingPosition } from './cursor.js';
import { contentFields, deletedFields, type FileFields, problemFields, renamedFields } from './events.js';
import { hasSameStat, isSurelySame, type KnownFile, type StoredFile, toKnown } from './known-file.js';
import type { Mode } from './modes.js';
import { readRecords, type Step } from './record-reader.js';
import { RollCall } from './roll-call.js';
import type { Settling } from './settling.js';
import { nameOf, parentOf, type Tree } from './tree.js';

export interface LookOptions extends Ground {
  readonly config: FilesystemConfig;
  readonly tree: Tree;
  readonly walker: Walker;
  readonly settling: Settling;
  readonly modeOf: (path: string) => Mode;
  readonly now: () => number;
  /** The part of the cursor that does not change within a look. */
  readonly cursor: FilesystemCursor;
  /** Remembers what is there without telling of it. */
  readonly isSilent: boolean;
}

/** What is looked at: everything, or some directories and what is new below them. */
export interface Scope {
  /** undefined: everything. */
  readonly directories: ReadonlySet<string> | undefined;
  /** Whether a directory is known; one that is not is looked at with all below it. */
  knows(directory: string): boolean;
}

/** Events that share what is remembered of their files, and so one step: no more than this, in number and bytes. */
const STEP_EVENTS = 256;
const STEP_BYTES = 4 * 1_048_576;

/** One look at the tree: what changed since the last, file by file. */
export class Look {
  readonly #options: LookOptions;
  readonly #unread: string[] = [];
  #fields: FileFields[] = [];
  #bytes = 0;
  #hasChanges = false;
  /** The time of the slice that is looked at: asked for once for each, since a look asks it of every file. */
  #time = 0;
  /** Whether anything was known before. */
  readonly #mayBeRenamed: boolean;

  constructor(options: LookOptions) {
    this.#options = options;
    this.#mayBeRenamed = options.tree.size > 0;
  }

  /** @throws NotFoundError when the root is gone: that is no reason to take every file for deleted */
  async *run(scope: Scope): AsyncGenerator<Step> {
    const roll = new RollCall(this.#options.tree, scope);
    const directories = scope.directories === undefined ? [''] : [...scope.directories].sort();
    for (const directory of directories) {
      const enters = (path: string): boolean => {
        roll.list(path);
        return scope.directories === undefined || !scope.knows(path);
      };
      for await (const slice of this.#options.walker.walk(directory, enters)) {
        const known = roll.call(slice);
        this.#time = this.#options.now();
        for (const obstacle of slice.obstacles) this.#meet(obstacle);
        for (const file of slice.files) {
          const stored = known.get(file.name);
          if (stored !== undefined) roll.answer();
          if (!this.#passes(file, stored)) yield* this.#compare(file);
          if (this.#isFull) yield this.#step();
        }
      }
    }
    this.#forgetObstacles(scope);
    for (const path of roll.missing()) {
      this.#delete(path);
      if (this.#isFull) yield this.#step();
    }
    if (this.#fields.length > 0 || this.#hasChanges) yield this.#step();
  }

  /** What needs no look at the content, so no waiting: of many files that is nearly each. */
  #passes(file: FoundFile, stored: StoredFile | undefined): boolean {
    const { settling, isSilent, modeOf } = this.#options;
    const { path, stats } = file;
    if (stored !== undefined) return isSurelySame(stored, stats);
    if (!settling.isSettled(path, stats, this.#time)) return true;
    if (this.#mayBeRenamed && this.#takeRename(file)) return true;
    if (!isSilent && modeOf(path) !== 'none') return false;
    const next = toKnown(stats, this.#time, undefined);
    if (next.isRacy) return false;
    this.#remember(path, next);
    this.#tell(contentFields('file.created', path, next), 0);
    return true;
  }

  async *#compare(file: FoundFile): AsyncGenerator<Step> {
    const { tree, settling, now } = this.#options;
    const { path, stats } = file;
    const known = tree.get(path);
    const hasSame = known !== undefined && !known.isUnfinished && hasSameStat(known, stats);
    if (!hasSame && !settling.isSettled(path, stats, now())) return;
    try {
      if (hasSame) await this.#compareRacy(file, known);
      else yield* this.#take(file, known);
    } catch (error) {
      if (error instanceof FileMovedError || errorCode(error) === 'ENOENT') settling.lookAgain(path, now());
      else if (HeadwaterError.isInstance(error) || errorCode(error) === undefined) throw error;
      else this.#refuse(file, known, errorCode(error) ?? 'unknown');
    }
  }

  /** The times are the same, but too young to mean that the content is. */
  async #compareRacy(file: FoundFile, known: KnownFile): Promise<void> {
    const { tree, now } = this.#options;
    const hash = await hashFile(this.#options, file);
    const isChanged = known.hash !== undefined && known.hash !== hash;
    if (isChanged) await this.#takeAgain(file, known);
    else tree.set(file.path, { ...known, hash, isRacy: toKnown(file.stats, now(), undefined).isRacy });
    this.#hasChanges = true;
  }

  async #takeAgain(file: FoundFile, known: KnownFile): Promise<void> {
    // Taken for unsettled: the next look reads it as any other change.
    this.#options.tree.set(file.path, { ...known, mtimeMs: -1, isRacy: false });
    this.#options.settling.lookAgain(file.path, this.#options.now());
  }

  async *#take(file: FoundFile, known: KnownFile | undefined): AsyncGenerator<Step> {
    const { modeOf, isSilent } = this.#options;
    const mode = modeOf(file.path);
    const before = isSilent || known?.hash === undefined || known.isUnfinished ? undefined : known;
    if (before !== undefined && (await this.#isTouched(file, before))) return;
    if (isSilent || mode === 'none') await this.#takeFacts(file, known);
    else if (mode === 'text' || mode === 'bytes') await this.#takeContent(file, known, mode);
    else yield* this.#takeRecords(file, known, mode);
  }

  /** Its times changed, its content did not. */
  async #isTouched(file: FoundFile, known: KnownFile): Promise<boolean> {
    const { tree, now } = this.#options;
    if (file.stats.size !== known.size) return false;
    const hash = await hashFile(this.#options, file);
    if (hash !== known.hash) return false;
    tree.set(file.path, { ...toKnown(file.stats, now(), undefined, hash), version: known.version });
    this.#hasChanges = true;
    return true;
  }

  async #takeFacts(file: FoundFile, known: KnownFile | undefined): Promise<void> {
    const { now } = this.#options;
    let next = toKnown(file.stats, now(), known);
    // So that the next look has something to compare with.
    if (next.isRacy) next = { ...next, hash: await hashFile(this.#options, file) };
    this.#remember(file.path, next);
    this.#tell(contentFields(known === undefined ? 'file.created' : 'file.modified', file.path, next), 0);
  }

  async #takeContent(file: FoundFile, known: KnownFile | undefined, mode: 'text' | 'bytes'): Promise<void> {
    const { config, now } = this.#options;
    const { path, stats } = file;
    if (stats.size > config.maxFileBytes) {
      const message = `${path} has ${stats.size} bytes, more than maxFileBytes (${config.maxFileBytes}); raise it, or read the file as records`;
      return this.#problem(file, known, 'FILE_TOO_LARGE', message);
    }
    const { bytes, hash } = await readWhole(this.#options, file);
    const next = toKnown(stats, now(), known, hash);
    const type = known === undefined ? 'file.created' : 'file.modified';
    if (mode === 'bytes') {
      this.#remember(path, next);
      return this.#tell(contentFields(type, path, next, { data_base64: bytes.toString('base64') }), bytes.length);
    }
    const text = toText(bytes);
    if (text === undefined) {
      return this.#problem(
        file,
        known,
        'INVALID_ENCODING',
        `${path} is not UTF-8 text; take it as 'bytes', or leave it out`,
        hash,
      );
    }
    this.#remember(path, next);
    this.#tell(contentFields(type, path, next, { text }), bytes.length);
  }

  async *#takeRecords(
    file: FoundFile,
    known: KnownFile | undefined,
    mode: Exclude<Mode, string>,
  ): AsyncGenerator<Step> {
    const { cursor, now, root, onBytes, tree, settling } = this.#options;
    const next: KnownFile = { ...toKnown(file.stats, now(), known), isUnfinished: true };
    this.#remember(file.path, next);
    this.#tell(contentFields(known === undefined ? 'file.created' : 'file.modified', file.path, next), 0);
    const reading: ReadingPosition = { path: file.path, version: next.version };
    yield this.#step({ ...cursor, reading });
    const ground = { root, onBytes };
    yield* readRecords({ ...ground, file, format: mode, reading, known: next, tree, settling, cursor, now });
  }

  /** A new name of a file that was known by another, which is gone. */
  #takeRename(file: FoundFile): boolean {
    const { tree, root, isSilent } = this.#options;
    const { path, stats } = file;
    const previous = isSilent ? undefined : tree.pathOf(stats.ino);
    const known = previous === undefined ? undefined : tree.get(previous);
    if (previous === undefined || known === undefined || known.isUnfinished) return false;
    if (known.size !== stats.size || known.mtimeMs !== stats.mtimeMs || isThere(root, previous, stats)) return false;
    const next = { ...toKnown(stats, this.#options.now(), undefined, known.hash), isRacy: known.isRacy };
    tree.delete(previous);
    this.#remember(path, next);
    this.#tell(renamedFields(path, previous, next), 0);
    return true;
  }

  /** The operating system does not let us read it: told of once for each of its versions. */
  #refuse(file: FoundFile, known: KnownFile | undefined, code: string): void {
    this.#problem(
      file,
      known,
      `FILE_${code}`,
      `${file.path} cannot be read (${code}); it is tried again when it changes`,
    );
  }

  #problem(file: FoundFile, known: KnownFile | undefined, code: string, message: string, hash?: string): void {
    const next = toKnown(file.stats, this.#options.now(), known, hash);
    this.#remember(file.path, next);
    this.#tell(problemFields(file.path, next.version, code, message), 0);
  }

  /** Nothing below it is taken for deleted. The root itself must be there. */
  #meet({ path, code, isDirectory }: Obstacle): void {
    const { tree, root } = this.#options;
    if (path === '' && isDirectory) {
      throw new NotFoundError(
        `the directory ${root} cannot be read (${code}): nothing in it is taken for deleted; is it mounted?`,
        {
          code: 'FILESYSTEM_ROOT',
        },
      );
    }
    // A directory that is gone is no obstacle: its files are.
    if (isDirectory && (code === 'ENOENT' || code === 'ENOTDIR')) return;
    this.#unread.push(path);
    if (tree.obstacleAt(path) === code) return;
    tree.setObstacle(path, code);
    this.#hasChanges = true;
    const what = isDirectory ? 'the directory' : 'the file';
    const message = `${what} ${path} cannot be looked at (${code}); what was known of it stays`;
    this.#tell(problemFields(path, versionOfObstacle(join(root, path)), `FILE_${code}`, message), 0);
  }

  #forgetObstacles({ directories }: Scope): void {
    const { tree } = this.#options;
    if (directories !== undefined) return;
    for (const path of tree.obstacles()) {
      if (this.#unread.includes(path)) continue;
      tree.setObstacle(path, undefined);
      this.#hasChanges = true;
    }
  }

  #isUnread(path: string): boolean {
    return this.#unread.some((unread) => path === unread || path.startsWith(`${unread}/`));
  }

  /** Unless it has another name by now, or cannot be looked at. */
  #delete(path: string): void {
    const { tree, settling, isSilent } = this.#options;
    const known = tree.get(path);
    if (known === undefined || this.#isUnread(path)) return;
    settling.forget(path);
    tree.delete(path);
    this.#hasChanges = true;
    if (!isSilent) this.#tell(deletedFields(path, known), 0);
  }

  #remember(path: string, file: KnownFile): void {
    this.#options.tree.set(path, file);
    this.#options.settling.forget(path);
    this.#hasChanges = true;
  }

  #tell(fields: FileFields, bytes: number): void {
    if (this.#options.isSilent) return;
    this.#fields.push(fields);
    this.#bytes += bytes;
  }

  get #isFull(): boolean {
    return this.#fields.length >= STEP_EVENTS || this.#bytes >= STEP_BYTES;
  }

  #step(cursor = this.#options.cursor): Step {
    const step: Step = { fields: this.#fields, cursor };
    this.#fields = [];
    this.#bytes = 0;
    this.#hasChanges = false;
    return step;
  }
}

function toText(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Whether a name still leads to the same file: then the new one is a second name of it. */
function isThere(root: string, path: string, { ino, dev }: Stats): boolean {
  try {
    const stats = statSync(join(root, path));
    return stats.ino === ino && stats.dev === dev && isListed(root, path);
  } catch {
    return false;
  }
}

/** Under exactly this name: a file system that ignores case also finds a file by the name that it had. */
function isListed(root: string, path: string): boolean {
  if (path === '') return true;
  const parent = parentOf(path);
  return readdirSync(join(root, parent)).includes(nameOf(path)) && isListed(root, parent);
}

function versionOfObstacle(full: string): string {
  try {
    return toKnown(lstatSync(full), 0, undefined).version;
  } catch {
    return 'unknown';
  }
}
