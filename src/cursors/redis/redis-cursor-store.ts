import { type Clock, systemClock } from '../../core/clock.js';
import type {
  CursorRecord,
  CursorStore,
  CursorWrite,
  Lease,
  LeaseOptions,
  SaveOptions,
} from '../../core/cursor-store.js';
import { ConfigError, CursorError } from '../../core/errors.js';
import { withFaultPoints } from '../../core/fault-point.js';
import { hashKey } from '../../toolkit/sql/key-hash.js';
import { revisionConflict } from '../conflicts.js';
import { parseJsonText, toJsonText } from '../json-text.js';
import { type ChangeLease, checkFence, type LeaseState, takeLease } from '../lease-state.js';
import { openClient } from './client.js';
import { tooLate, toRedisFailure } from './failure.js';
import type { OwnClient, RedisCommands } from './redis-commands.js';
import { DELETE, REPLACE_LEASE, SAVE } from './scripts.js';

const DEFAULT_HISTORY = 10;
const DEFAULT_PREFIX = 'headwater:';
const DEFAULT_TIMEOUT_MS = 10_000;
const SCANNED_AT_ONCE = 1_000;
/** Redis takes about a million arguments in one command. */
const MOST_CHANGES = 400_000;

export interface RedisCursorStoreOptions {
  /** What the names of all keys begin with. Default 'headwater:'. */
  prefix?: string | undefined;
  /** How many earlier records are kept per source. Default 10. */
  history?: number | undefined;
  /** How long Redis may take to answer, in milliseconds. Default 10,000. */
  timeoutMs?: number | undefined;
  /** Dates the records and tells when leases expire. Default: the machine's clock. */
  clock?: Clock | undefined;
}

/**
 * Keeps cursors and state in Redis (6 or later), or in a cluster of it: one hash per source, one for its state, of which
 * a save writes only what changed, and a list of earlier records. Compare and set, fencing and state are one step.
 *
 * ```ts
 * const client = await createClient({ url: 'redis://127.0.0.1:6379' }).connect();
 * const cursorStore = new RedisCursorStore(client);
 * ```
 *
 * A save is as durable as that Redis is: see `appendfsync`, and what a failover of yours may lose. What is lost comes
 * again, with the same ids.
 *
 * Every method rejects with RetryableError 'REDIS_FULL' or 'REDIS_BUSY', ConnectionError 'REDIS_CONNECTION' or
 * PermissionError 'REDIS_REFUSED' where Redis does, and with CursorError 'CURSOR_CORRUPT' when a record was changed by
 * hand.
 */
export class RedisCursorStore implements CursorStore {
  readonly #client: RedisCommands;
  /** To be closed here. */
  #own: OwnClient | undefined;
  readonly #prefix: string;
  readonly #history: number;
  readonly #timeoutMs: number;
  readonly #clock: Clock;

  /**
   * @param client a connected client of the package `redis`, which stays the host's: it is not closed here
   * @throws ConfigError 'REDIS_PREFIX'
   */
  constructor(client: RedisCommands, options: RedisCursorStoreOptions = {}) {
    this.#client = client;
    this.#prefix = checkPrefix(options.prefix ?? DEFAULT_PREFIX);
    this.#history = options.history ?? DEFAULT_HISTORY;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * With a client of its own, which `close()` ends.
   *
   * @param url `redis://…`, or `rediss://…` for TLS
   * @throws MissingPeerError without the package `redis`; ConnectionError 'REDIS_CONNECTION', PermissionError
   *   'REDIS_REFUSED'
   */
  static async connect(url: string, options: RedisCursorStoreOptions = {}): Promise<RedisCursorStore> {
    checkPrefix(options.prefix ?? DEFAULT_PREFIX);
    try {
      const client = await openClient(url, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
      const store = new RedisCursorStore(client, options);
      store.#own = client;
      return store;
    } catch (error) {
      throw toRedisFailure(error, undefined);
    }
  }

  /** The newest record, undefined where there is none. */
  async load(sourceId: string): Promise<CursorRecord | undefined> {
    const text = await this.#ask(sourceId, (client) => client.hGet(this.#keys(sourceId).source, 'record'));
    return text === null ? undefined : (parseJsonText(text, sourceId) as CursorRecord);
  }

  /**
   * Saves cursor and state in one step.
   * @throws CursorConflictError when the record is not at `expectedRevision` ('CURSOR_CONFLICT'), or a later lease than
   *   `fence` was granted ('FENCED').
   * @throws CursorError 'CURSOR_NOT_JSON' when something in it would not survive JSON; 'CURSOR_STATE_TOO_LARGE' when one
   *   save changes more keys than one command of Redis can hold.
   */
  async save(write: CursorWrite, { expectedRevision, fence }: SaveOptions): Promise<CursorRecord> {
    const { sourceId, sourceType, origin, cursorVersion, cursor, writer } = write;
    const updatedAt = new Date(this.#clock.now()).toISOString();
    const revision = expectedRevision + 1;
    const head = { sourceId, sourceType, origin, cursorVersion, cursor, revision, writer, updatedAt };
    const record = toJsonText(head, 'record', sourceId);
    const { deleted, set } = toChanges(write);
    const { source, state, history } = this.#keys(sourceId);
    // Before there is a record: a source that is listed and has none is left out, the other way round it would be lost.
    if (expectedRevision === 0)
      await this.#ask(sourceId, (client) => client.sAdd(this.#sources, JSON.stringify(sourceId)));
    const keys = [source, state, history];
    const rest = [String(deleted.length), ...deleted, ...set];
    const save = [String(expectedRevision), record, fence === undefined ? '' : String(fence), String(this.#history)];
    const [answer, detail] = await withFaultPoints('cursor-redis.save', () =>
      this.#run(sourceId, SAVE, keys, [...save, ...rest]),
    );
    if (answer === 'fenced') checkFence(parseJsonText(detail, sourceId) as LeaseState, fence, sourceId);
    if (answer !== 'saved') throw revisionConflict(sourceId, expectedRevision, Number(detail));
    return JSON.parse(record) as CursorRecord;
  }

  /** Forgets record, history and state. Lease tokens go on growing. */
  async delete(sourceId: string): Promise<void> {
    const { source, state, history } = this.#keys(sourceId);
    await this.#run(sourceId, DELETE, [source, state, history], []);
  }

  /** The newest record of every source, sorted by source id. */
  async list(): Promise<CursorRecord[]> {
    const members = await this.#ask(undefined, (client) => client.sMembers(this.#sources));
    const sourceIds = members.map((member) => parseJsonText(member, 'one of the sources') as string).sort();
    const records = await Promise.all(sourceIds.map((sourceId) => this.load(sourceId)));
    return records.filter((record) => record !== undefined);
  }

  /** The keyed state whose keys begin with `prefix`, read in pages. */
  async *loadState(sourceId: string, prefix = ''): AsyncGenerator<[key: string, value: unknown]> {
    const { state } = this.#keys(sourceId);
    // While its table grows, Redis may show an entry twice.
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const at = cursor;
      const page = await this.#ask(sourceId, (client) => client.hScan(state, at, { COUNT: SCANNED_AT_ONCE }));
      for (const { field, value } of page.entries) {
        if (seen.has(field)) continue;
        seen.add(field);
        const key = parseJsonText(field, sourceId) as string;
        if (key.startsWith(prefix)) yield [key, parseJsonText(value, sourceId)];
      }
      cursor = page.cursor;
    } while (cursor !== '0');
  }

  /** The records before the newest one, newest first. */
  async history(sourceId: string, limit = this.#history): Promise<CursorRecord[]> {
    if (limit <= 0) return [];
    const texts = await this.#ask(sourceId, (client) => client.lRange(this.#keys(sourceId).history, 1, limit));
    return texts.map((text) => parseJsonText(text, sourceId) as CursorRecord);
  }

  /**
   * The sole right to save a cursor, for `ttlMs` by this machine's clock; pass its token to `save` as `fence`.
   * @throws CursorConflictError 'LEASE_HELD' naming holder and expiry.
   */
  lease(sourceId: string, options: LeaseOptions): Promise<Lease> {
    return takeLease(sourceId, options, () => this.#clock.now(), this.#changeLease(sourceId));
  }

  /** Ends the client that `connect` has opened; one that was given is left alone. May be called again. */
  async close(): Promise<void> {
    const own = this.#own;
    this.#own = undefined;
    own?.destroy();
  }

  /** Compare and set, until nobody else was faster. */
  #changeLease(sourceId: string): ChangeLease {
    const { source } = this.#keys(sourceId);
    return async (decide) => {
      for (;;) {
        const text = (await this.#ask(sourceId, (client) => client.hGet(source, 'lease'))) ?? '';
        const found = text === '' ? undefined : (parseJsonText(text, sourceId) as LeaseState);
        const next = decide(found);
        if (next === undefined) return found;
        const replaced = [text, JSON.stringify(next), String(next.token)];
        const [answer] = await withFaultPoints('cursor-redis.lease', () =>
          this.#run(sourceId, REPLACE_LEASE, [source], replaced),
        );
        if (answer === 'replaced') return next;
      }
    };
  }

  get #sources(): string {
    return `${this.#prefix}sources`;
  }

  /** What stands in braces decides on which node of a cluster a key lies: all of a source lie on one. */
  #keys(sourceId: string): { source: string; state: string; history: string } {
    const source = `${this.#prefix}{${hashKey(sourceId)}}`;
    return { source, state: `${source}:state`, history: `${source}:history` };
  }

  async #run(sourceId: string, script: string, keys: string[], parameters: string[]): Promise<string[]> {
    const answer = await this.#ask(sourceId, (client) => client.eval(script, { keys, arguments: parameters }));
    return answer as string[];
  }

  async #ask<Answer>(sourceId: string | undefined, ask: (client: RedisCommands) => Promise<Answer>): Promise<Answer> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(tooLate(this.#timeoutMs, sourceId)), this.#timeoutMs);
    });
    try {
      return await Promise.race([ask(this.#client), late]);
    } catch (error) {
      throw toRedisFailure(error, sourceId);
    } finally {
      clearTimeout(timer);
    }
  }
}

function checkPrefix(prefix: string): string {
  if (!/[{}]/.test(prefix)) return prefix;
  const message = 'the prefix of a RedisCursorStore must not have braces: they decide where a cluster keeps a key';
  throw new ConfigError([{ severity: 'error', code: 'REDIS_PREFIX', message }]);
}

/** Made before anything is stored, so that a value that is refused leaves no half of a save. Keys are JSON text too. */
function toChanges({ sourceId, state }: CursorWrite): { deleted: string[]; set: string[] } {
  const deleted = (state?.delete ?? []).map((key) => JSON.stringify(key));
  const set: string[] = [];
  for (const [key, value] of Object.entries(state?.set ?? {})) {
    const field = JSON.stringify(key);
    if (value === undefined) deleted.push(field);
    else set.push(field, toJsonText(value, `state[${field}]`, sourceId));
  }
  if (deleted.length + set.length / 2 > MOST_CHANGES) {
    const message = `one save of "${sourceId}" changes more than ${MOST_CHANGES} keys of state, more than Redis takes at once`;
    throw new CursorError(message, { code: 'CURSOR_STATE_TOO_LARGE', sourceId });
  }
  return { deleted, set };
}
