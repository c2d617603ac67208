import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Clock, systemClock } from '../../core/clock.js';
import type {
  CursorRecord,
  CursorStore,
  CursorWrite,
  Lease,
  LeaseOptions,
  SaveOptions,
} from '../../core/cursor-store.js';
import { CursorConflictError, CursorError } from '../../core/errors.js';
import { errorCode, syncDirectory } from '../../toolkit/durable-file.js';
import { revisionConflict } from '../conflicts.js';
import { toJsonText } from '../json-text.js';
import { type ChangeLease, checkFence, takeLease } from '../lease-state.js';
import { corruptFile } from './damage.js';
import { explainFailure } from './failure.js';
import { type Draft, emptyGeneration, type Generation, type NumberedGeneration } from './generation.js';
import { Generations } from './generations.js';
import { directoryNameOf } from './names.js';
import { newestRecords } from './newest-records.js';
import { NO_STATE, readJournals, type StateFiles, toStateLines } from './state-files.js';
import { StateWriter } from './state-writer.js';

const DEFAULT_HISTORY = 10;

export interface FileCursorStoreOptions {
  /** How many earlier records are kept per source. Default 10. */
  history?: number | undefined;
  /** Tells when leases expire. Default: the machine's clock. */
  clock?: Clock | undefined;
}

/** What this store knows of a source it writes. */
interface Writer {
  readonly sourceId: string;
  readonly generations: Generations;
  readonly state: StateWriter;
  /** What was newest when we last looked. May be outdated: then `append` finds the next number taken. */
  newest: NumberedGeneration | undefined;
}

/** From what to go on. */
type Read = (writer: Writer) => NumberedGeneration;

/** Decides what follows; undefined: nothing. */
type Decide = (current: NumberedGeneration, writer: Writer) => Draft | undefined | Promise<Draft | undefined>;

/**
 * Keeps cursors and state in a directory of files, which several processes may share.
 *
 * A save is on the disk when it resolves. Stopped at any point, by a crash or a power cut, the record is the old one or
 * the new one, and the state goes with it. A damaged file is an error that names the last good record, never a fresh
 * start. Needs a file system with hard links; files are readable by their owner only.
 *
 * ```ts
 * const store = new FileCursorStore('.cursors');
 * const factory = new EventSourceFactory({ sources: builtinSources, cursorStore: store });
 * ```
 */
export class FileCursorStore implements CursorStore {
  readonly #root: string;
  readonly #history: number;
  readonly #clock: Clock;
  readonly #writers = new Map<string, Writer>();
  readonly #turns = new Map<string, Promise<unknown>>();

  /** The directory is made with the first save. */
  constructor(directory: string, options: FileCursorStoreOptions = {}) {
    this.#root = resolve(directory);
    this.#history = options.history ?? DEFAULT_HISTORY;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * The newest record, undefined where there is none.
   * @throws CursorError 'CURSOR_CORRUPT' naming the file and the previous good revision, 'CURSOR_UNSUPPORTED_VERSION'
   *   for what a later release wrote.
   */
  load(sourceId: string): Promise<CursorRecord | undefined> {
    return this.#explained('read', sourceId, async () => this.#generationsOf(sourceId).readNewest().generation.record);
  }

  /**
   * Saves cursor and state in one step.
   * @throws CursorConflictError when the record is not at `expectedRevision` ('CURSOR_CONFLICT'), or a later lease than
   *   `fence` was granted ('FENCED').
   * @throws CursorError when the disk is full or refuses; what was saved before stays.
   */
  async save(write: CursorWrite, options: SaveOptions): Promise<CursorRecord> {
    const { sourceId } = write;
    toJsonText(write.cursor, 'cursor', sourceId);
    const lines = toStateLines(write.state, sourceId);
    const decide: Decide = async (current, writer) => {
      checkFence(current.generation.lease, options.fence, sourceId);
      const found = current.generation.record?.revision ?? 0;
      if (found !== options.expectedRevision) throw revisionConflict(sourceId, options.expectedRevision, found);
      return this.#toDraft(write, current, await writer.state.write(current, lines));
    };
    const saved = await this.#change(sourceId, decide, readExpected(options.expectedRevision));
    return structuredClone(saved.record as CursorRecord);
  }

  /** Forgets record, history and state, also where they are damaged. Lease tokens go on growing. */
  async delete(sourceId: string): Promise<void> {
    const isThere = async () => this.#generationsOf(sourceId).list().generations.length > 0;
    if (!(await this.#explained('delete', sourceId, isThere))) return;
    const forget: Decide = ({ generation: { lease } }) => ({ lease, state: NO_STATE, history: [] });
    await this.#change(sourceId, forget, readEvenDamaged);
  }

  /** The newest record of every source, sorted by source id. */
  list(): Promise<CursorRecord[]> {
    return this.#explained('list', undefined, async () => newestRecords(this.#root));
  }

  /** The keyed state whose keys begin with `prefix`, as of one save. */
  async *loadState(sourceId: string, prefix = ''): AsyncGenerator<[key: string, value: unknown]> {
    yield* await this.#explained('read the state of', sourceId, () => this.#readState(sourceId, prefix));
  }

  /** The records before the newest one, newest first; also where the newest one is damaged. */
  history(sourceId: string, limit = this.#history): Promise<CursorRecord[]> {
    return this.#explained('read the history of', sourceId, async () => {
      const generations = this.#generationsOf(sourceId);
      const newest = generations.list().generations[0];
      const readable = generations.newestReadable();
      if (readable === undefined) return [];
      const earlier = readable.generation.history.map((number) => generations.readOrSkip(number)?.record);
      const records = readable.number === newest ? earlier : [readable.generation.record, ...earlier];
      return records.filter((record) => record !== undefined).slice(0, limit);
    });
  }

  /**
   * The sole right to save a cursor, for `ttlMs`; pass its token to `save` as `fence`.
   * @throws CursorConflictError 'LEASE_HELD' naming holder and expiry.
   */
  lease(sourceId: string, options: LeaseOptions): Promise<Lease> {
    const change: ChangeLease = async (decide) => {
      const changed = await this.#change(sourceId, ({ generation: { record, lease, state, history } }) => {
        const next = decide(lease);
        return next && { record, lease: next, state, history };
      });
      return changed.lease;
    };
    return takeLease(sourceId, options, () => this.#clock.now(), change);
  }

  async #readState(sourceId: string, prefix: string): Promise<Map<string, unknown>> {
    const generations = this.#generationsOf(sourceId);
    let newest = generations.readNewest();
    for (;;) {
      try {
        return await readJournals(generations.directory, newest.generation.state.journals, sourceId, prefix);
      } catch (error) {
        newest = newerOrThrow(generations, newest, error);
      }
    }
  }

  /** One change at a time for each source, so that only other processes can be in the way of one. */
  #change(sourceId: string, decide: Decide, read: Read = readNewest): Promise<Generation> {
    return this.#inTurn(sourceId, () =>
      this.#explained('save', sourceId, async () => {
        const writer = await this.#writerOf(sourceId);
        try {
          return await change(writer, decide, read);
        } catch (error) {
          await this.#forget(writer, error);
          throw error;
        }
      }),
    );
  }

  /** After a conflict, what is found is made durable first: a caller may recognise its own save there. */
  async #forget(writer: Writer, error: unknown): Promise<void> {
    const { directory } = writer.generations;
    writer.newest = undefined;
    if (CursorConflictError.isInstance(error) && existsSync(directory)) await syncDirectory(directory);
    else this.#writers.delete(writer.sourceId);
  }

  #toDraft(write: CursorWrite, { number, generation }: NumberedGeneration, state: StateFiles): Draft {
    const { sourceId, sourceType, origin, cursorVersion, cursor, writer } = write;
    const revision = (generation.record?.revision ?? 0) + 1;
    const updatedAt = new Date(this.#clock.now()).toISOString();
    const record = { sourceId, sourceType, origin, cursorVersion, cursor, revision, writer, updatedAt };
    const earlier = generation.record === undefined ? [] : [number, ...generation.history];
    const history = earlier.slice(0, this.#history);
    return { record, lease: generation.lease, history, state: withoutUnneeded(state, [number, ...history]) };
  }

  async #writerOf(sourceId: string): Promise<Writer> {
    const known = this.#writers.get(sourceId);
    if (known !== undefined) return known;
    const generations = this.#generationsOf(sourceId);
    await generations.prepare();
    const writer = {
      sourceId,
      generations,
      state: new StateWriter(generations.directory, sourceId),
      newest: undefined,
    };
    this.#writers.set(sourceId, writer);
    return writer;
  }

  #generationsOf(sourceId: string): Generations {
    return new Generations(join(this.#root, directoryNameOf(sourceId)), sourceId);
  }

  async #inTurn<Result>(sourceId: string, action: () => Promise<Result>): Promise<Result> {
    const turn = (this.#turns.get(sourceId) ?? Promise.resolve()).then(action, action);
    this.#turns.set(sourceId, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(sourceId) === turn) this.#turns.delete(sourceId);
    }
  }

  async #explained<Result>(action: string, sourceId: string | undefined, call: () => Promise<Result>): Promise<Result> {
    try {
      return await call();
    } catch (error) {
      throw explainFailure(error, action, this.#root, sourceId);
    }
  }
}

const readNewest: Read = ({ generations }) => generations.readNewest();

async function change(writer: Writer, decide: Decide, read: Read): Promise<Generation> {
  let current = read(writer);
  for (;;) {
    try {
      const draft = await decide(current, writer);
      const next = draft === undefined ? current : await writer.generations.append(current, draft);
      writer.newest = next;
      if (next !== undefined) return next.generation;
      current = read(writer);
    } catch (error) {
      current = newerOrThrow(writer.generations, current, error);
    }
  }
}

/** A file that is gone was compacted into others, or removed, by a later change: then that is what counts. */
function newerOrThrow(generations: Generations, current: NumberedGeneration, error: unknown): NumberedGeneration {
  if (errorCode(error) !== 'ENOENT' || current.number === 0) throw error;
  const newest = generations.readNewest();
  if (newest.number !== current.number) return newest;
  throw corruptFile(generations.directory, 'a journal is missing', generations.sourceId);
}

/** Whether what we know is outdated shows when the next number turns out to be taken. */
function readExpected(revision: number): Read {
  return ({ newest, generations }) =>
    newest !== undefined && newest.generation.record?.revision === revision ? newest : generations.readNewest();
}

/**
 * For a delete, which has to work also where the newest generation is damaged. No token is larger than the number of the
 * generation that granted it, so that number is a safe last token.
 */
const readEvenDamaged: Read = ({ sourceId, generations }) => {
  try {
    return generations.readNewest();
  } catch (error) {
    const number = generations.list().generations[0];
    if (!CursorError.isInstance(error) || error.code !== 'CURSOR_CORRUPT' || number === undefined) throw error;
    const lease = { token: number, holder: 'unknown', expiresAt: 0, released: true };
    return { number, generation: { ...emptyGeneration(sourceId).generation, lease } };
  }
};

/** Journals that no generation which stays names any more. */
function withoutUnneeded(state: StateFiles, kept: readonly number[]): StateFiles {
  const oldest = Math.min(...kept);
  return { ...state, retired: state.retired.filter(({ until }) => until >= oldest) };
}
