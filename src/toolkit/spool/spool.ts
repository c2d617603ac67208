import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Clock } from '../../core/clock.js';
import { CursorError, RetryableError, SkippableError } from '../../core/errors.js';
import { type Logger, silentLogger } from '../../core/logger.js';
import { syncDirectory } from '../durable-file.js';
import { DeliveryKeys } from './delivery-keys.js';
import { DirectoryLock } from './directory-lock.js';
import { openingFailure, spoolFailure } from './failure.js';
import { Follower, type SpoolBatch } from './follow.js';
import { GroupCommit } from './group-commit.js';
import { KeyJournal } from './key-journal.js';
import { encodeRecords, type NewRecord, recordBytes } from './record.js';
import { SegmentStore } from './segment-store.js';

export type { SpoolBatch, SpoolGap, SpoolRecord } from './follow.js';

const MEBIBYTE = 1024 * 1024;
const HOUR_MS = 3_600_000;
const DEFAULTS = {
  maxBytes: 1024 * MEBIBYTE,
  maxSegmentBytes: 16 * MEBIBYTE,
  keyTtlMs: 72 * HOUR_MS,
  maxKeys: 1_000_000,
};

/** A full spool is made of as many segments at least: it has room again when the first of them is acknowledged. */
const FEWEST_SEGMENTS = 8;
const MOST_GROUP_BYTES = 4 * MEBIBYTE;
/** What may wait for the disk, in memory. */
const MOST_WAITING_BYTES = 64 * MEBIBYTE;
/** Longer keys are remembered by their hash. */
const LONGEST_KEY = 128;

export interface SpoolOptions {
  /** Made when it is missing, for its owner only. One process at a time; on a disk of this machine. */
  readonly directory: string;
  /** Of records that are not acknowledged. Beyond it, `append` refuses. Default 1 GiB. */
  readonly maxBytes?: number | undefined;
  /** A segment is deleted when all of it is acknowledged. Default 16 MiB, or an eighth of `maxBytes` if that is less. */
  readonly maxSegmentBytes?: number | undefined;
  /** For how long the key of a record is remembered, in milliseconds. Default 72 hours. */
  readonly keyTtlMs?: number | undefined;
  /** How many keys are remembered; beyond it the oldest are forgotten before their time. Default 1,000,000 (≈ 150 MB). */
  readonly maxKeys?: number | undefined;
  readonly clock: Clock;
  readonly logger?: Logger | undefined;
}

export interface SpoolAppend {
  /** What the sender calls it, the same when it sends it again; `undefined` or empty: nothing tells it from another. */
  readonly key: string | undefined;
  readonly value: Buffer | string;
  /** For how long this key is remembered. Default: that of the spool. */
  readonly keyTtlMs?: number | undefined;
}

export interface SpoolReceipt {
  /** Of this record; of the first that had the key, for a duplicate. */
  readonly sequence: number;
  readonly isDuplicate: boolean;
}

export interface SpoolStats {
  /** The oldest sequence that is still there, or would be the first. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly releasedSequence: number;
  /** Bytes on the disk. */
  readonly bytes: number;
  readonly segments: number;
  readonly keys: number;
  /** Keys that were forgotten before their time, because there were too many, since the spool was opened. */
  readonly keysForgottenEarly: number;
  /** What was promised and could not be read when the spool was opened, as sentences. `batches` tells it as gaps. */
  readonly damage: readonly string[];
}

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
  readonly #options: SpoolOptions & typeof DEFAULTS;
  readonly #logger: Logger;
  readonly #lock: DirectoryLock;
  readonly #store: SegmentStore;
  readonly #keys: DeliveryKeys;
  readonly #journal: KeyJournal;
  readonly #damage: readonly string[];
  readonly #commits = new GroupCommit<Pending>((records) => this.#commit(records), MOST_GROUP_BYTES);
  /** Keys of records that are not on the disk yet. */
  readonly #pendingKeys = new Map<string, Promise<SpoolReceipt>>();
  #wake = new Set<() => void>();
  #tidying: Promise<void> | undefined;
  #isTidyingHindered = false;
  #hasWarnedOfKeys = false;
  #isClosed = false;

  private constructor(options: SpoolOptions & typeof DEFAULTS, opened: Opened) {
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
    const settings = complete(options);
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
      bytes: bytes.total,
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
  async append({ key, value, keyTtlMs }: SpoolAppend): Promise<SpoolReceipt> {
    const now = this.#options.clock.now();
    this.#keys.sweep(now);
    const name = nameOf(key);
    const first = name === '' ? undefined : (this.#keys.get(name) ?? this.#pendingKeys.get(name));
    if (first !== undefined)
      return { sequence: typeof first === 'number' ? first : (await first).sequence, isDuplicate: true };
    const record = {
      key: name,
      value,
      sequence: 0,
      expiresAt: name === '' ? 0 : now + (keyTtlMs ?? this.#options.keyTtlMs),
    };
    const bytes = recordBytes(record);
    this.#admit(bytes);
    const receipt = this.#commits.add(record, bytes).then(() => ({ sequence: record.sequence, isDuplicate: false }));
    if (name === '') return receipt;
    this.#pendingKeys.set(name, receipt);
    return receipt.finally(() => this.#pendingKeys.delete(name));
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
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
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

  #admit(bytes: number): void {
    const { maxBytes } = this.#options;
    if (this.#isClosed) throw this.#refusal('SPOOL_CLOSED', 'it is closed');
    if (bytes > maxBytes) {
      throw new SkippableError(
        `a record of ${bytes} bytes never fits into the spool in ${this.#directory}: raise its maxBytes (${maxBytes})`,
        { code: 'SPOOL_RECORD_TOO_LARGE' },
      );
    }
    const waiting = this.#commits.waitingBytes + bytes;
    if (waiting > MOST_WAITING_BYTES && waiting > bytes)
      throw this.#refusal('SPOOL_BUSY', `${waiting - bytes} bytes wait for the disk`);
    const { total, unreleased } = this.#store.bytes;
    // What cannot be deleted counts as well: the disk is not to be filled by it.
    const held = this.#isTidyingHindered ? total : unreleased;
    if (held + waiting <= maxBytes) return;
    this.#tidy();
    throw this.#refusal('SPOOL_FULL', `${held} bytes wait to be acknowledged by its consumer, of ${maxBytes} allowed`);
  }

  #refusal(code: string, reason: string): RetryableError {
    return new RetryableError(`the spool in ${this.#directory} did not take a record: ${reason}`, { code });
  }

  async #commit(records: readonly Pending[]): Promise<void> {
    let last = this.#store.last;
    for (const record of records) record.sequence = ++last;
    try {
      await this.#store.append(encodeRecords(records, this.#store.identity.magic), last);
    } catch (error) {
      throw spoolFailure(error, 'append to', this.#directory);
    }
    for (const { key, sequence, expiresAt } of records) if (key !== '') this.#keys.remember(key, sequence, expiresAt);
    this.#warnOfKeys();
    this.#wakeAll();
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
  readonly keys: DeliveryKeys;
  readonly journal: KeyJournal;
  readonly damage: readonly string[];
}

function complete(options: SpoolOptions): SpoolOptions & typeof DEFAULTS {
  const maxBytes = options.maxBytes ?? DEFAULTS.maxBytes;
  const maxSegmentBytes =
    options.maxSegmentBytes ?? Math.min(DEFAULTS.maxSegmentBytes, Math.ceil(maxBytes / FEWEST_SEGMENTS));
  const keyTtlMs = options.keyTtlMs ?? DEFAULTS.keyTtlMs;
  const maxKeys = options.maxKeys ?? DEFAULTS.maxKeys;
  return { ...options, directory: resolve(options.directory), maxBytes, maxSegmentBytes, keyTtlMs, maxKeys };
}

/** The names of new directories are on the disk too when it resolves. */
async function makeDirectory(directory: string): Promise<void> {
  const top = mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (top === undefined) return;
  for (let at = directory; at.length >= top.length; at = dirname(at)) await syncDirectory(dirname(at));
}

async function openFiles(options: SpoolOptions & typeof DEFAULTS): Promise<Omit<Opened, 'lock'>> {
  const { directory, maxSegmentBytes, maxKeys, clock } = options;
  const logger = options.logger ?? silentLogger;
  const keys = new DeliveryKeys(maxKeys);
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
      if (key !== '') keys.remember(key, sequence, expiresAt);
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

/** A key as it is remembered. */
function nameOf(key: string | undefined): string {
  if (key === undefined || key.length <= LONGEST_KEY) return key ?? '';
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}
