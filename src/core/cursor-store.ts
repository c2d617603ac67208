/** A saved position. */
export interface CursorRecord<Cursor = unknown> {
  sourceId: string;
  sourceType: string;
  /** What the cursor belongs to upstream (repository id, table, root). A different one is refused unless adopted. */
  origin: string;
  cursorVersion: number;
  cursor: Cursor;
  /** Counts the saves, from 1. */
  revision: number;
  /** Who saved it: one value per running source. */
  writer: string;
  /** RFC 3339. */
  updatedAt: string;
}

/** What is handed to a store to be saved. */
export interface CursorWrite<Cursor = unknown> {
  sourceId: string;
  sourceType: string;
  origin: string;
  cursorVersion: number;
  cursor: Cursor;
  writer: string;
  state?: { set?: Readonly<Record<string, unknown>>; delete?: readonly string[] } | undefined;
}

/** How a write is to be made. */
export interface SaveOptions<Transaction = never> {
  /** 0: must not exist. */
  expectedRevision: number;
  /** The host's own transaction, for stores that share the sink's database. */
  transaction?: Transaction | undefined;
  /** The fencing token of a lease; refused once a later lease was granted. */
  fence?: number | undefined;
}

/** Where cursors and keyed state are kept. */
export interface CursorStore<Transaction = never> {
  load(sourceId: string): Promise<CursorRecord | undefined>;
  /**
   * Cursor and state in one atomic step.
   * @throws CursorConflictError when the record is not at `expectedRevision`, or the fence is an old one.
   */
  save(write: CursorWrite, options: SaveOptions<Transaction>): Promise<CursorRecord>;
  delete(sourceId: string): Promise<void>;
  list(): Promise<CursorRecord[]>;
  loadState(sourceId: string, prefix?: string): AsyncIterable<[key: string, value: unknown]>;
  /** Present where the store can: earlier records, newest first. */
  history?(sourceId: string, limit?: number): Promise<CursorRecord[]>;
  /** Present where the store can: one holder at a time, with a fencing token checked by save. */
  lease?(sourceId: string, options: LeaseOptions): Promise<Lease>;
}

export interface LeaseOptions {
  ttlMs: number;
  holder: string;
}

/** The sole right to save a source's cursor, for a while. */
export interface Lease extends AsyncDisposable {
  /** Grows with every grant; pass it to `save` as `fence`. */
  readonly token: number;
  readonly expiresAt: Date;
  renew(): Promise<void>;
  release(): Promise<void>;
}
