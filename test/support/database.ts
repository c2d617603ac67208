import {
  CursorConflictError,
  type CursorRecord,
  type CursorStore,
  type CursorWrite,
  type SaveOptions,
} from 'headwater';

/** What is committed, or what one transaction sees. */
interface Contents {
  /** Every effect there was: an event that is stored twice is here twice. */
  effects: number[];
  records: Record<string, CursorRecord>;
  state: Record<string, unknown>;
}

export type Step = 'load' | 'begin' | 'insert' | 'save' | 'commit.before' | 'commit.after';

/** A database with transactions that see what was committed before they began, and may be made to fail at any step. */
export class Database {
  #contents: Contents = { effects: [], records: {}, state: {} };
  /** Called for every step; what it throws is the answer of the database. */
  onStep: (step: Step) => void | Promise<void> = () => {};
  /** Refuses what is stored already. */
  hasUniqueKey = false;

  get effects(): readonly number[] {
    return this.#contents.effects;
  }

  get state(): Readonly<Record<string, unknown>> {
    return this.#contents.state;
  }

  cursor(sourceId = 'test'): unknown {
    return this.#contents.records[sourceId]?.cursor;
  }

  async transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
    await this.onStep('begin');
    const transaction = new Transaction(this, structuredClone(this.#contents));
    const result = await work(transaction);
    await this.onStep('commit.before');
    this.#contents = transaction.contents;
    await this.onStep('commit.after');
    return result;
  }

  contentsOf(transaction: Transaction | undefined): Contents {
    return transaction?.contents ?? this.#contents;
  }
}

export class Transaction {
  readonly #database: Database;
  readonly contents: Contents;

  constructor(database: Database, contents: Contents) {
    this.#database = database;
    this.contents = contents;
  }

  async insert(effect: number): Promise<void> {
    await this.#database.onStep('insert');
    if (this.#database.hasUniqueKey && this.contents.effects.includes(effect)) throw new Error('duplicate key');
    this.contents.effects.push(effect);
  }
}

/** Keeps cursors in the same database, in the sink's transaction where it is given. */
export class DatabaseCursorStore implements CursorStore<Transaction> {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async load(sourceId: string): Promise<CursorRecord | undefined> {
    await this.#database.onStep('load');
    return structuredClone(this.#database.contentsOf(undefined).records[sourceId]);
  }

  async save(write: CursorWrite, options: SaveOptions<Transaction>): Promise<CursorRecord> {
    await this.#database.onStep('save');
    const { records, state } = this.#database.contentsOf(options.transaction);
    const { state: delta, ...head } = write;
    const { expectedRevision: expected } = options;
    const found = records[write.sourceId]?.revision ?? 0;
    if (found !== expected) throw new CursorConflictError('somebody else saves it', { expected, found });
    const record = { ...structuredClone(head), revision: found + 1, updatedAt: '2026-01-01T00:00:00Z' };
    records[write.sourceId] = record;
    Object.assign(state, delta?.set);
    for (const key of delta?.delete ?? []) delete state[key];
    return record;
  }

  async delete(sourceId: string): Promise<void> {
    delete this.#database.contentsOf(undefined).records[sourceId];
  }

  async list(): Promise<CursorRecord[]> {
    return Object.values(this.#database.contentsOf(undefined).records);
  }

  async *loadState(): AsyncGenerator<[key: string, value: unknown]> {
    yield* Object.entries(this.#database.contentsOf(undefined).state);
  }
}
