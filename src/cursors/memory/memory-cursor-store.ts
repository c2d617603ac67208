import { type Clock, systemClock } from '../../core/clock.js';
import type {
  CursorRecord,
  CursorStore,
  CursorWrite,
  Lease,
  LeaseOptions,
  SaveOptions,
} from '../../core/cursor-store.js';
import { revisionConflict } from '../conflicts.js';
import { toJsonText } from '../json-text.js';
import { type ChangeLease, checkFence, type LeaseState, takeLease } from '../lease-state.js';

const DEFAULT_HISTORY = 10;

export interface MemoryCursorStoreOptions {
  /** How many earlier records are kept per source. Default 10. */
  history?: number | undefined;
  /** Tells when leases expire. Default: the machine's clock. */
  clock?: Clock | undefined;
}

/** Everything as JSON text: what is handed in or out can be changed by nobody else, and survives a real store too. */
interface StoredSource {
  records: string[];
  state: Map<string, string>;
  lease: LeaseState | undefined;
}

/**
 * Keeps cursors and state in memory: for tests, and for hosts that save `getCursor()` themselves. Behaves as the durable
 * stores do, including what it refuses, and forgets everything with the process.
 *
 * ```ts
 * const factory = new EventSourceFactory({ sources, cursorStore: new MemoryCursorStore() });
 * ```
 */
export class MemoryCursorStore implements CursorStore {
  readonly #sources = new Map<string, StoredSource>();
  readonly #history: number;
  readonly #clock: Clock;

  constructor(options: MemoryCursorStoreOptions = {}) {
    this.#history = options.history ?? DEFAULT_HISTORY;
    this.#clock = options.clock ?? systemClock;
  }

  /** The newest record, undefined where there is none. */
  async load(sourceId: string): Promise<CursorRecord | undefined> {
    return this.#newest(sourceId);
  }

  /**
   * Saves cursor and state in one step.
   * @throws CursorConflictError when the record is not at `expectedRevision` ('CURSOR_CONFLICT'), or a later lease than
   *   `fence` was granted ('FENCED').
   * @throws CursorError 'CURSOR_NOT_JSON' when something in it would not survive JSON.
   */
  async save(write: CursorWrite, options: SaveOptions): Promise<CursorRecord> {
    const { sourceId, sourceType, origin, cursorVersion, cursor, writer } = write;
    const stored = this.#sources.get(sourceId);
    const found = this.#newest(sourceId)?.revision ?? 0;
    checkFence(stored?.lease, options.fence, sourceId);
    if (found !== options.expectedRevision) throw revisionConflict(sourceId, options.expectedRevision, found);
    const updatedAt = new Date(this.#clock.now()).toISOString();
    const head = { sourceId, sourceType, origin, cursorVersion, cursor, revision: found + 1, writer, updatedAt };
    const record = toJsonText(head, 'record', sourceId);
    const changes = toChanges(write);
    this.#store(this.#create(sourceId), record, changes);
    return JSON.parse(record) as CursorRecord;
  }

  /** Forgets record, history and state. Lease tokens go on growing. */
  async delete(sourceId: string): Promise<void> {
    const stored = this.#sources.get(sourceId);
    if (stored === undefined) return;
    stored.records = [];
    stored.state.clear();
  }

  /** The newest record of every source, sorted by source id. */
  async list(): Promise<CursorRecord[]> {
    const records = [...this.#sources.keys()].sort().map((sourceId) => this.#newest(sourceId));
    return records.filter((record) => record !== undefined);
  }

  /** The keyed state whose keys begin with `prefix`. */
  async *loadState(sourceId: string, prefix = ''): AsyncGenerator<[key: string, value: unknown]> {
    for (const [key, text] of [...(this.#sources.get(sourceId)?.state ?? [])]) {
      if (key.startsWith(prefix)) yield [key, JSON.parse(text)];
    }
  }

  /** The records before the newest one, newest first. */
  async history(sourceId: string, limit = this.#history): Promise<CursorRecord[]> {
    const records = this.#sources.get(sourceId)?.records ?? [];
    return records.slice(1, 1 + limit).map((text) => JSON.parse(text) as CursorRecord);
  }

  /**
   * The sole right to save a cursor, for `ttlMs`; pass its token to `save` as `fence`.
   * @throws CursorConflictError 'LEASE_HELD' naming holder and expiry.
   */
  lease(sourceId: string, options: LeaseOptions): Promise<Lease> {
    const change: ChangeLease = async (decide) => {
      const current = this.#sources.get(sourceId)?.lease;
      const next = decide(current) ?? current;
      this.#create(sourceId).lease = next;
      return next;
    };
    return takeLease(sourceId, options, () => this.#clock.now(), change);
  }

  #newest(sourceId: string): CursorRecord | undefined {
    const text = this.#sources.get(sourceId)?.records[0];
    return text === undefined ? undefined : (JSON.parse(text) as CursorRecord);
  }

  #create(sourceId: string): StoredSource {
    const stored = this.#sources.get(sourceId) ?? { records: [], state: new Map(), lease: undefined };
    this.#sources.set(sourceId, stored);
    return stored;
  }

  #store(stored: StoredSource, record: string, changes: ReadonlyMap<string, string | undefined>): void {
    stored.records.unshift(record);
    stored.records.length = Math.min(stored.records.length, 1 + this.#history);
    for (const [key, text] of changes) {
      if (text === undefined) stored.state.delete(key);
      else stored.state.set(key, text);
    }
  }
}

/** Made before anything is stored, so that a value that is refused leaves no half of a save. */
function toChanges({ sourceId, state }: CursorWrite): Map<string, string | undefined> {
  const changes = new Map<string, string | undefined>();
  for (const key of state?.delete ?? []) changes.set(key, undefined);
  for (const [key, value] of Object.entries(state?.set ?? {})) {
    changes.set(key, value === undefined ? undefined : toJsonText(value, `state[${JSON.stringify(key)}]`, sourceId));
  }
  return changes;
}
