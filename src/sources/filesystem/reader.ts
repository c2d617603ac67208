import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { ReadContext } from '../../core/read-options.js';
import { errorCode } from '../../toolkit/durable-file.js';
import { Hints } from '../../toolkit/hints.js';
import { Walker } from '../../toolkit/walker.js';
import type { FilesystemConfig } from './config.js';
import { FileMovedError, type Ground } from './content.js';
import type { FilesystemCursor } from './cursor.js';
import { Look, type Scope } from './look.js';
import { type Mode, modes } from './modes.js';
import { readRecords, type Step } from './record-reader.js';
import { select } from './selection.js';
import { Settling } from './settling.js';
import { parentOf, Tree } from './tree.js';

export interface ReaderOptions extends Ground {
  readonly config: FilesystemConfig;
  readonly context: ReadContext<FilesystemCursor>;
  readonly cursor: FilesystemCursor;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onCaughtUp: () => void;
  readonly onWork: () => void;
}

/** Hints come in bursts: so long is waited for the rest of one. */
const BURST_MS = 50;

/** One iteration: a look at everything, then, with `follow`, a look at whatever may have changed. */
export class Reader {
  readonly #options: ReaderOptions;
  readonly #tree: Tree;
  readonly #settling: Settling;
  readonly #hints: Hints | undefined;
  readonly #modeOf: (path: string) => Mode;
  readonly #walker: Walker;
  readonly #now: () => number;
  #cursor: FilesystemCursor;
  #visited = new Set<string>();

  constructor(options: ReaderOptions) {
    const { root, config, context, cursor, clock, logger } = options;
    this.#options = options;
    this.#tree = new Tree(context.state);
    this.#settling = new Settling(config.stableForMs);
    this.#hints = context.follow && config.watch ? new Hints(root, logger) : undefined;
    this.#modeOf = modes(config.parse);
    this.#now = () => clock.now();
    const isNew = cursor.baseline === undefined && cursor.reading === undefined && context.cursor === undefined;
    this.#cursor = isNew && config.initialScan === 'baseline' ? { ...cursor, baseline: 'running' } : cursor;
    this.#walker = new Walker({
      root,
      selection: select(config),
      followsLinks: config.followSymlinks ? 'within' : 'never',
      onDirectory: (directory) => {
        this.#visited.add(directory);
        this.#hints?.watch(directory);
      },
    });
  }

  async *read(): AsyncGenerator<Step> {
    const { context } = this.#options;
    try {
      await this.#tree.load();
      yield* this.#goOn();
      yield* this.#lookAtAll();
      if (context.follow) yield* this.#follow();
      else yield* this.#waitForYoung();
    } finally {
      this.#hints?.close();
    }
  }

  /** The records that were being delivered when the last run ended. */
  async *#goOn(): AsyncGenerator<Step> {
    const { reading, ...cursor } = this.#cursor;
    this.#cursor = cursor;
    if (reading === undefined) return;
    const { root, onBytes } = this.#options;
    const known = this.#tree.get(reading.path);
    const format = this.#modeOf(reading.path);
    if (known === undefined || typeof format === 'string' || known.version !== reading.version) return;
    const full = join(root, reading.path);
    try {
      const stats = statSync(full);
      // Written to since: all of it comes again, as another version.
      const isSame = stats.size === known.size && stats.mtimeMs === known.mtimeMs && stats.ino === known.inode;
      if (!isSame) return;
      const file = { path: reading.path, name: basename(full), full, stats, isLink: true };
      const shared = {
        root,
        onBytes,
        format,
        reading,
        known,
        cursor,
        tree: this.#tree,
        settling: this.#settling,
        now: this.#now,
      };
      yield* readRecords({ ...shared, file });
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' && !(error instanceof FileMovedError)) throw error;
      const detail = `${reading.path} was removed before all of its records were delivered`;
      yield { fields: [], cursor, gap: { reason: 'file-vanished', detail, from: reading } };
    }
  }

  async *#lookAtAll(): AsyncGenerator<Step> {
    this.#visited = new Set();
    yield* this.#look({ directories: undefined, knows: () => false });
    const visited = this.#visited;
    this.#hints?.keepOnly((directory) => visited.has(directory));
    if (this.#cursor.baseline !== 'running') return;
    this.#cursor = { ...this.#cursor, baseline: 'done' };
    yield { fields: [], cursor: this.#cursor };
  }

  async *#look(scope: Scope): AsyncGenerator<Step> {
    const { root, onBytes, config, onWork } = this.#options;
    const shared = { root, onBytes, config, tree: this.#tree, walker: this.#walker, settling: this.#settling };
    const look = new Look({
      ...shared,
      modeOf: this.#modeOf,
      now: this.#now,
      cursor: this.#cursor,
      isSilent: this.#cursor.baseline === 'running',
    });
    for await (const step of look.run(scope)) {
      onWork();
      yield step;
    }
  }

  /** Files that are being written now are waited for, but not for ever. */
  async *#waitForYoung(): AsyncGenerator<Step> {
    const { config, clock, context, logger } = this.#options;
    const end = this.#now() + config.stableTimeoutMs;
    for (let dueAt = this.#settling.dueAt; dueAt !== undefined; dueAt = this.#settling.dueAt) {
      if (dueAt > end) {
        logger.warn(
          { files: this.#settling.paths.slice(0, 10) },
          'files are still being written: the next run brings them',
        );
        return;
      }
      await clock.sleep(Math.max(0, dueAt - this.#now()), context.signal);
      yield* this.#look(this.#scope(this.#settling.paths.map(parentOf)));
    }
  }

  async *#follow(): AsyncGenerator<Step> {
    const { config, onCaughtUp } = this.#options;
    let rescanAt = this.#now() + config.rescanIntervalMs;
    for (;;) {
      onCaughtUp();
      await this.#wait(Math.min(rescanAt, this.#settling.dueAt ?? rescanAt));
      if (this.#now() >= rescanAt) {
        this.#hints?.take();
        yield* this.#lookAtAll();
        rescanAt = this.#now() + config.rescanIntervalMs;
      } else yield* this.#look(this.#scope([...(this.#hints?.take() ?? []), ...this.#settling.paths.map(parentOf)]));
    }
  }

  #scope(directories: readonly string[]): Scope {
    return { directories: new Set(directories), knows: (directory) => this.#hints?.knows(directory) ?? true };
  }

  /** Until then, or until shortly after the first hint. */
  async #wait(until: number): Promise<void> {
    const { clock, context } = this.#options;
    const sleeping = new AbortController();
    const stop = (): void => sleeping.abort();
    context.signal.addEventListener('abort', stop, { once: true });
    const sleep = clock.sleep(Math.max(0, until - this.#now()), sleeping.signal).catch(() => {});
    if (this.#hints?.hasAny !== true)
      await Promise.race(this.#hints === undefined ? [sleep] : [sleep, this.#hints.next()]);
    context.signal.removeEventListener('abort', stop);
    sleeping.abort();
    context.signal.throwIfAborted();
    if (this.#hints?.hasAny === true) await clock.sleep(BURST_MS, context.signal);
  }
}
