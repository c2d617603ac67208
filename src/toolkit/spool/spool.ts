import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { CursorError, RetryableError, SkippableError } from '../../core/errors.js';
import { type Logger, silentLogger } from '../../core/logger.js';
import { syncDirectory } from '../durable-file.js';
import { DeliveryKeys } from './delivery-keys.js';
import { DirectoryLock } from './directory-lock.js';
import { openingFailure, spoolFailure } from './failure.js';
import { Follower, type SpoolBatch } from './follow.js';
import { GroupCommit } from './group-commit.js';
import { KeyJournal } from './key-journal.js';
import { type NewRecord, recordBytes } from './record.js';
import { SegmentStore } from './segment-store.js';
import {
  type SpoolAppend,
  type SpoolOptions,
  type SpoolReceipt,
  type SpoolSettings,
  type SpoolStats,
  settle,
} from './spool-options.js';

export type { SpoolBatch, SpoolGap } from './follow.js';
export type { SpoolRecord } from './recent-records.js';
export type { SpoolAppend, SpoolOptions, SpoolReceipt, SpoolStats } from './spool-options.js';

const MOST_GROUP_BYTES = 4 * 1024 * 1024;
/** What may wait for the disk, in memory. */
const MOST_WAITING_BYTES = 64 * 1024 * 1024;
/** Longer keys are remembered by their hash. */
const LONGEST_KEY = 128;

interface Pending extends NewRecord {
  sequence: number;
}

/**
 * A queue on disk, for what must survive the process before its sender is answered.
 *
 * `append` resolves when the record is on the disk; appends that wait at the same time share one flush. `batches` follows
 * from any sequence; `release` says what need not be kept. Sequences are 1, 2, 3, …, without holes, over restarts: a
 * consumer that keeps the last one with what it made of it has each exactly once.
 *
 * A record's key is written with the record, in the same step, and remembered after the record was deleted: an append
 * with a key that is remembered adds nothing.
 *
 * ```ts
 * const spool = await Spool.open({ directory: '/var/lib/app/spool', clock });
 * const { sequence, isDuplicate } = await spool.append({ key: 'delivery-1', value: body });
 * for await (const { records, gap } of spool.batches(undefined, { maxEvents: 100, signal })) {
 *   await store(records);
 *   spool.release(records.at(-1).sequence);
 * }
 * ```
 */
export class Spool {
  /** What tells this spool from another that is put in its place: sequences of one mean nothing to the other. */
  readonly id: string;
  readonly #directory: string;
  readonly #options: SpoolSettings;
  readonly #logger: Logger;
  readonly #lock: DirectoryLock;
  readonly #store: SegmentStore;
  readonly #keys: DeliveryKeys<Promise<SpoolReceipt>>;
  readonly #journal: KeyJournal;
  readonly #damage: readonly string[];
  readonly #commits = new GroupCommit<Pending, SpoolReceipt>((records) => this.#commit(records), MOST_GROUP_BYTES);
  #wake = new Set<() => void>();
  #tidying: Promise<void> | undefined;
  #isTidyingHindered = false;
  #hasWarnedOfKeys = false;
  #closing: Promise<void> | undefined;

  private constructor(options: SpoolSettings, opened: Opened) {
    this.id = opened.store.identity.id;
    this.#directory = options.directory;
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#lock = opened.lock;
    this.#store = opened.store;
    this.#keys = opened.keys;
    this.#journal = opened.journal;
    this.#damage = opened.damage;
  }

  /**
   * @throws RetryableError 'SPOOL_LOCKED' while another process has it, 'SPOOL_DISK_FULL', 'SPOOL_IO'
   * @throws FatalError 'SPOOL_ACCESS_DENIED', 'SPOOL_CORRUPT', 'SPOOL_PATH_TOO_LONG'
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    const settings = settle(options);
    try {
      await makeDirectory(settings.directory);
      const lock = await DirectoryLock.take(settings.directory);
      try {
        const spool = new Spool(settings, { lock, ...(await openFiles(settings)) });
        spool.#tidy();
        return spool;
      } catch (error) {
        lock.release();
        throw error;
      }
    } catch (error) {
      throw openingFailure(error, settings.directory);
    }
  }

  get stats(): SpoolStats {
    const { segments, last, released, bytes } = this.#store;
    return {
      firstSequence: segments[0]?.first ?? last + 1,
      lastSequence: last,
      releasedSequence: released,
      bytes,
      segments: segments.length,
      keys: this.#keys.size,
      keysForgottenEarly: this.#keys.forgottenEarly,
      damage: this.#damage,
    };
  }

  /**
   * Resolves when the record is on the disk, or, as a duplicate, when the first with this key is.
   *
   * @throws RetryableError 'SPOOL_FULL' when `maxBytes` are waiting to be acknowledged, 'SPOOL_BUSY' when the disk does
   * not keep up, 'SPOOL_DISK_FULL', 'SPOOL_IO', 'SPOOL_CLOSED'. Nothing of it was kept, unless the process or the machine
   * stopped in between
   * @throws SkippableError 'SPOOL_RECORD_TOO_LARGE' for what never fits
   */
  append(record: SpoolAppend): Promise<SpoolReceipt> {
    // Not `async`: its promise beside the one that is waited for is a tenth of what an append costs.
    try {
      return this.#append(record);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * What was appended, in order, and what will be: it does not end before the spool is closed. Several may follow at the
   * same time.
   *
   * What can no longer be had is told by a batch with `gap` instead of records.
   *
   * @param after the last sequence that the consumer has; `undefined`: what was released last
   * @param options.maxEvents records per batch
   * @throws CursorError 'SPOOL_CURSOR_BEYOND' when there never was a record `after`: the spool was replaced, or is older
   * @throws RetryableError 'SPOOL_IO' when the disk cannot be read
   * @throws `signal.reason` as soon as the signal fires
   */
  async *batches(
    after: number | undefined,
    { maxEvents, signal }: { readonly maxEvents: number; readonly signal?: AbortSignal | undefined },
  ): AsyncGenerator<SpoolBatch, void, undefined> {
    this.#checkExists(after);
    const follower = new Follower(this.#store, (after ?? this.#store.released) + 1);
    try {
      while (!this.#isClosed) {
        for await (const batch of follower.batches(maxEvents)) {
          signal?.throwIfAborted();
          yield batch;
          if (this.#isClosed) return;
        }
        if (follower.isAtEnd) await this.#arrival(signal);
      }
    } catch (error) {
      throw spoolFailure(error, 'read', this.#directory);
    } finally {
      follower.close();
    }
  }

  /**
   * Everything up to this sequence is acknowledged: it is not handed out again without being asked for, and is deleted,
   * a segment at a time.
   *
   * @throws CursorError 'SPOOL_CURSOR_BEYOND' when there is no such record
   */
  release(sequence: number): void {
    this.#checkExists(sequence);
    if (this.#isClosed || sequence <= this.#store.released) return;
    this.#store.release(sequence);
    this.#tidy();
  }

  /** Takes nothing more, waits for what is being written, and gives the directory free. May be called again. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  get #isClosed(): boolean {
    return this.#closing !== undefined;
  }

  async #close(): Promise<void> {
    // Behind the assignment that refuses what comes now.
    await Promise.resolve();
    await this.#commits.idle();
    await this.#tidying;
    this.#wakeAll();
    try {
      await this.#store.close();
    } catch (error) {
      throw spoolFailure(error, 'close', this.#directory);
    } finally {
      this.#lock.release();
    }
  }

  #append({ key: givenKey, value: given, keyTtlMs = this.#options.keyTtlMs }: SpoolAppend): Promise<SpoolReceipt> {
    const now = this.#options.clock.now();
    this.#keys.sweep(now);
    const key = nameOf(givenKey);
    const first = key === '' ? undefined : this.#keys.get(key);
    if (first !== undefined) return duplicateOf(first);
    const value = typeof given === 'string' ? Buffer.from(given) : given;
    const bytes = recordBytes(key, value);
    this.#admit(bytes);
    const receipt = this.#commits.add({ key, value, bytes, sequence: 0, expiresAt: key === '' ? 0 : now + keyTtlMs });
    if (key !== '') this.#keys.expect(key, receipt);
    return receipt;
  }

  #admit(bytes: number): void {
    const { maxBytes } = this.#options;
    if (this.#isClosed) throw this.#refusal('SPOOL_CLOSED', 'it is closed');
    const waiting = this.#commits.waitingBytes + bytes;
    if (waiting > MOST_WAITING_BYTES && waiting > bytes)
      throw this.#refusal('SPOOL_BUSY', `${waiting - bytes} bytes wait for the disk`);
    // What cannot be deleted counts as well: the disk is not to be filled by it.
    const held = this.#isTidyingHindered ? this.#store.bytes : this.#store.unreleasedBytes;
    if (held + waiting <= maxBytes) return;
    if (bytes > maxBytes) {
      throw new SkippableError(
        `a record of ${bytes} bytes never fits into the spool in ${this.#directory}: raise its maxBytes (${maxBytes})`,
        { code: 'SPOOL_RECORD_TOO_LARGE' },
      );
    }
    this.#tidy();
    throw this.#refusal('SPOOL_FULL', `${held} bytes wait to be acknowledged by its consumer, of ${maxBytes} allowed`);
  }

  #refusal(code: string, reason: string): RetryableError {
    return new RetryableError(`the spool in ${this.#directory} did not take a record: ${reason}`, { code });
  }

  async #commit(records: readonly Pending[]): Promise<SpoolReceipt[]> {
    let last = this.#store.last;
    for (const record of records) record.sequence = ++last;
    try {
      await this.#store.append(records);
    } catch (error) {
      for (const { key } of records) this.#keys.withdraw(key);
      throw spoolFailure(error, 'append to', this.#directory);
    }
    for (const { key, sequence, expiresAt } of records) if (key !== '') this.#keys.remember(key, sequence, expiresAt);
    this.#warnOfKeys();
    this.#wakeAll();
    return records.map(({ sequence }) => ({ sequence, isDuplicate: false }));
  }

  /** Deletes what is acknowledged, in the background. What hinders it is tried again with the next release. */
  #tidy(): void {
    if (this.#tidying !== undefined || this.#store.deletable === undefined) return;
    this.#tidying = this.#deleteReleased()
      .then(
        () => {
          this.#isTidyingHindered = false;
        },
        (error: unknown) => {
          this.#isTidyingHindered = true;
          const failure = spoolFailure(error, 'delete what is acknowledged from', this.#directory);
          this.#logger.warn({ error: failure }, 'a segment of the spool could not be deleted');
        },
      )
      .finally(() => {
        this.#tidying = undefined;
      });
  }

  async #deleteReleased(): Promise<void> {
    for (let oldest = this.#store.deletable; oldest !== undefined; oldest = this.#store.deletable) {
      const { first, last } = oldest;
      await this.#store.deleteOldest(oldest, () => this.#journal.append(this.#keys.between(first, last)));
      this.#keys.sweep(this.#options.clock.now());
      if (this.#journal.isCompactionDue) await this.#journal.compact(this.#keys.between(0, last));
    }
  }

  #warnOfKeys(): void {
    if (this.#hasWarnedOfKeys || this.#keys.forgottenEarly === 0) return;
    this.#hasWarnedOfKeys = true;
    const { maxKeys } = this.#options;
    this.#logger.warn({ maxKeys }, 'the spool forgets delivery keys before their time: deliveries may come twice');
  }

  #checkExists(sequence: number | undefined): void {
    const { last } = this.#store;
    if (sequence === undefined || (Number.isSafeInteger(sequence) && sequence >= 0 && sequence <= last)) return;
    throw new CursorError(
      `the spool in ${this.#directory} has no record ${sequence}: its last one is ${last}. It was replaced, or is older ` +
        'than the cursor: restore it, or delete the cursor to begin with what there is',
      { code: 'SPOOL_CURSOR_BEYOND' },
    );
  }

  #arrival(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const stop = (): void => {
        this.#wake.delete(wake);
        reject(signal?.reason);
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', stop);
        resolve();
      };
      this.#wake.add(wake);
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  #wakeAll(): void {
    const sleeping = this.#wake;
    this.#wake = new Set();
    for (const wake of sleeping) wake();
  }
}

interface Opened {
  readonly lock: DirectoryLock;
  readonly store: SegmentStore;
  readonly keys: DeliveryKeys<Promise<SpoolReceipt>>;
  readonly journal: KeyJournal;
  readonly damage: readonly string[];
}

/** The names of new directories are on the disk too when it resolves. */
async function makeDirectory(directory: string): Promise<void> {
  const top = mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (top === undefined) return;
  for (let at = directory; at.length >= top.length; at = dirname(at)) await syncDirectory(dirname(at));
}

async function openFiles(options: SpoolSettings): Promise<Omit<Opened, 'lock'>> {
  const { directory, maxSegmentBytes, maxKeys, clock } = options;
  const logger = options.logger ?? silentLogger;
  const keys = new DeliveryKeys<Promise<SpoolReceipt>>(maxKeys);
  const damage: string[] = [];
  let journal: KeyJournal | undefined;
  const { store, findings } = await SegmentStore.open(
    directory,
    { maxSegmentBytes },
    async (identity) => {
      journal = new KeyJournal(directory, identity);
      const loaded = await journal.load();
      damage.push(...loaded.damage);
      for (const { key, sequence, expiresAt } of loaded.keys) keys.remember(key, sequence, expiresAt);
    },
    ({ key, sequence, expiresAt }) => {
      // Known already: a crash came between its way into the journal and the end of its segment.
      if (key !== '' && keys.get(key) === undefined) keys.remember(key, sequence, expiresAt);
    },
  );
  damage.push(...findings.damage);
  keys.sweep(clock.now());
  for (const detail of damage) logger.error({ directory, detail }, 'a part of the spool cannot be read');
  const { tornBytes } = findings;
  if (tornBytes > 0)
    logger.warn({ directory, tornBytes }, 'what a crash had torn was cut off the spool: none was promised');
  return { store, keys, journal: journal as KeyJournal, damage };
}

async function duplicateOf(first: number | Promise<SpoolReceipt>): Promise<SpoolReceipt> {
  return { sequence: typeof first === 'number' ? first : (await first).sequence, isDuplicate: true };
}

/** A key as it is remembered. */
function nameOf(key: string | undefined): string {
  if (key === undefined || key.length <= LONGEST_KEY) return key ?? '';
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}
