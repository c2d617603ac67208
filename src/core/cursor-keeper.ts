import { isDeepStrictEqual } from 'node:util';
import type { CursorRecord, CursorStore, CursorWrite } from './cursor-store.js';
import { CursorConflictError, CursorError } from './errors.js';
import type { StateChanges } from './keyed-state.js';
import type { CursorDefinition } from './source-definition.js';
import { toStateDelta } from './state-ledger.js';

/** The source whose cursor is kept. */
export interface KeptSource {
  readonly id: string;
  readonly type: string;
  readonly cursorDefinition: CursorDefinition | undefined;
  origin(): string | Promise<string>;
}

export interface KeeperOptions {
  /** Takes over a record of another origin. */
  adopt?: boolean | undefined;
  /** false: what was saved before is replaced by the first save. Default true. */
  resume?: boolean | undefined;
}

/**
 * One writer of one source's cursor in one store: checks what it loads, counts revisions, and recognises its own save
 * when the answer to it was lost.
 */
export class CursorKeeper {
  readonly store: CursorStore<any>;
  readonly #source: KeptSource;
  readonly #options: KeeperOptions;
  readonly #writer = crypto.randomUUID();
  #origin: string | undefined;
  #revision = 0;
  #savedCursor: unknown;
  /** The last write, whose answer may have been lost. */
  #staleKeys: readonly string[] = [];
  /** The first saves tried since one is known to have gone through: one, or two that differ. */
  #unconfirmed: CursorWrite[] = [];
  #busy: Promise<unknown> = Promise.resolve();

  constructor(source: KeptSource, store: CursorStore<any>, options: KeeperOptions = {}) {
    this.#source = source;
    this.store = store;
    this.#options = options;
  }

  /** What was last loaded or saved. */
  get savedCursor(): unknown {
    return this.#savedCursor;
  }

  get revision(): number {
    return this.#revision;
  }

  /**
   * The saved cursor, or undefined where there is none or it is not to be resumed.
   * @throws CursorError when the record is of another type or origin, or of a version that cannot be read.
   */
  async load(): Promise<{ cursor: unknown } | undefined> {
    const { id } = this.#source;
    this.#origin = await this.#source.origin();
    const record = await this.store.load(id);
    this.#revision = record?.revision ?? 0;
    if (record === undefined) return undefined;
    this.#check(record);
    if (this.#options.resume === false) {
      this.#staleKeys = await keysOf(this.store, id);
      return undefined;
    }
    const cursor = await this.#read(record);
    this.#savedCursor = cursor;
    return { cursor };
  }

  /** The saved state of the source, empty where it is not to be resumed. */
  readonly state = (prefix?: string): AsyncIterable<[key: string, value: unknown]> =>
    this.#options.resume === false ? nothing() : this.store.loadState(this.#source.id, prefix);

  /** Runs one save at a time. */
  exclusively<Result>(action: () => Promise<Result>): Promise<Result> {
    const turn = this.#busy.then(action, action);
    this.#busy = turn.catch(() => {});
    return turn;
  }

  /**
   * Saves cursor and state in one step. Call it within `exclusively`.
   * @throws CursorConflictError when somebody else saved in between.
   */
  async save(cursor: unknown, changes: readonly StateChanges[]): Promise<CursorRecord> {
    const record = await this.stage(cursor, changes);
    this.confirm(record, cursor);
    return record;
  }

  /** Saves without taking note of it: for a transaction that may yet be rolled back. Then `confirm`. */
  async stage(cursor: unknown, changes: readonly StateChanges[], transaction?: unknown): Promise<CursorRecord> {
    const { id, type, cursorDefinition } = this.#source;
    const write = {
      sourceId: id,
      sourceType: type,
      origin: this.#origin ?? (await this.#source.origin()),
      cursorVersion: cursorDefinition?.version ?? 1,
      cursor: cursor ?? null,
      writer: this.#writer,
      state: this.#delta(changes),
    };
    const isSame = this.#unconfirmed.every((earlier) => isDeepStrictEqual(earlier, write));
    if (this.#unconfirmed.length === 0 || (!isSame && this.#unconfirmed.length === 1)) this.#unconfirmed.push(write);
    try {
      return await this.store.save(write, { expectedRevision: this.#revision, transaction });
    } catch (error) {
      const own =
        CursorConflictError.isInstance(error) && transaction === undefined ? await this.#loadOwn() : undefined;
      if (own === undefined) throw error;
      // An earlier try of ours got there although its answer was lost. Where there were different ones, nobody knows
      // which: saving again on top of it is right for each.
      if (isSame) return own;
      this.#revision = own.revision;
      return this.store.save(write, { expectedRevision: own.revision });
    }
  }

  /** The staged record is durable. */
  confirm(record: CursorRecord, cursor: unknown): void {
    this.#revision = record.revision;
    this.#savedCursor = cursor;
    this.#staleKeys = [];
    this.#unconfirmed = [];
  }

  /** Our own save of this cursor, if it got there although its answer was lost. */
  async findOwn(cursor: unknown): Promise<CursorRecord | undefined> {
    const own = await this.#loadOwn();
    return isDeepStrictEqual(own?.cursor, JSON.parse(JSON.stringify(cursor ?? null))) ? own : undefined;
  }

  /** The next revision, if we wrote it. */
  async #loadOwn(): Promise<CursorRecord | undefined> {
    const record = await this.store.load(this.#source.id);
    return record?.writer === this.#writer && record.revision === this.#revision + 1 ? record : undefined;
  }

  #delta(changes: readonly StateChanges[]): ReturnType<typeof toStateDelta> {
    if (this.#staleKeys.length === 0) return toStateDelta(changes);
    return toStateDelta([new Map(this.#staleKeys.map((key) => [key, undefined])), ...changes]);
  }

  #check(record: CursorRecord): void {
    const { id, type } = this.#source;
    if (record.sourceType !== type) {
      throw new CursorError(
        `the cursor saved for "${id}" is of a ${record.sourceType} source, not of ${type}: give this source another id`,
        { code: 'CURSOR_TYPE', sourceId: id },
      );
    }
    if (record.origin === this.#origin || this.#options.adopt === true) return;
    throw new CursorError(
      `the cursor saved for "${id}" belongs to ${record.origin}, this source reads ${this.#origin}: ` +
        'give this source another id, or create it with adoptCursor: true if both are the same thing',
      { code: 'CURSOR_ORIGIN', sourceId: id },
    );
  }

  async #read(record: CursorRecord): Promise<unknown> {
    const definition = this.#source.cursorDefinition;
    const cursor = this.#migrate(record, definition) ?? undefined;
    if (cursor === undefined || definition?.schema === undefined) return cursor;
    const result = await definition.schema['~standard'].validate(cursor);
    if (result.issues === undefined) return result.value;
    throw new CursorError(
      `the cursor saved for "${record.sourceId}" is not one of this source (${result.issues[0]?.message}); it was not touched. ` +
        'Restore an earlier record (history), or delete it to begin again',
      { code: 'CURSOR_INVALID', sourceId: record.sourceId },
    );
  }

  #migrate({ cursor, cursorVersion, sourceId }: CursorRecord, definition: CursorDefinition | undefined): unknown {
    const version = definition?.version ?? 1;
    if (cursorVersion === version) return cursor;
    if (cursorVersion < version && definition?.migrate !== undefined) return definition.migrate(cursor, cursorVersion);
    throw new CursorError(
      `the cursor saved for "${sourceId}" is of version ${cursorVersion}, this release reads version ${version}; ` +
        'it was not touched. Run the release that wrote it, or a later one',
      { code: 'CURSOR_UNSUPPORTED_VERSION', sourceId },
    );
  }
}

async function keysOf(store: CursorStore<any>, sourceId: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key] of store.loadState(sourceId)) keys.push(key);
  return keys;
}

async function* nothing(): AsyncGenerator<[key: string, value: unknown]> {}
