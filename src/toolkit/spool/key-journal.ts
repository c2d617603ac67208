import { closeSync, constants, existsSync, fstatSync, ftruncateSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { withFaultPoints } from '../../core/fault-point.js';
import { NO_FOLLOW, syncFile, writeFullyAt } from '../durable-file.js';
import type { RememberedKey } from './delivery-keys.js';
import { encodeHeader, HEADER_BYTES, type Identity, readIdentity } from './header.js';
import { readRecords } from './read-records.js';
import { encodeRecords, type NewRecord, recordBytes } from './record.js';
import { OpenRecordFile, replaceFile } from './segment.js';

const NAME = 'keys.journal';

/** Reading all of it costs no more than what was appended since it was last written. */
const GROWTH_BEFORE_COMPACTION = 2;
const SMALLEST_COMPACTION_BYTES = 256 * 1024;

export interface LoadedKeys {
  readonly keys: readonly RememberedKey[];
  /** What could not be read of it, as sentences. */
  readonly damage: readonly string[];
}

/** The keys of deliveries whose segments were deleted: records without values, appended, and rewritten now and then. */
export class KeyJournal {
  readonly #path: string;
  readonly #identity: Identity;
  #size = 0;
  #compactedBytes = 0;

  constructor(directory: string, identity: Identity) {
    this.#path = join(directory, NAME);
    this.#identity = identity;
  }

  /** Whether so much was appended that writing it as a whole is due. */
  get isCompactionDue(): boolean {
    return this.#size > GROWTH_BEFORE_COMPACTION * this.#compactedBytes + SMALLEST_COMPACTION_BYTES;
  }

  /** Reads what there is, and cuts off what a crash tore. */
  async load(): Promise<LoadedKeys> {
    if (!existsSync(this.#path)) return { keys: [], damage: [] };
    const descriptor = openSync(this.#path, constants.O_RDWR | NO_FOLLOW);
    const file = new OpenRecordFile(this.#path, this.#identity.magic);
    try {
      const header = await file.read(0, HEADER_BYTES);
      // Of a spool that was replaced: its sequences mean nothing here.
      if (readIdentity(header)?.id !== this.#identity.id) {
        return { keys: [], damage: [`${this.#path} does not belong to this spool: its keys are forgotten`] };
      }
      return await this.#read(file, descriptor);
    } finally {
      file.close();
      closeSync(descriptor);
    }
  }

  /** Resolves when they are on the disk. When it rejects, none is. */
  async append(keys: Iterable<RememberedKey>): Promise<void> {
    const block = Buffer.concat(encodeRecords([...keys].map(toRecord), this.#identity.magic));
    if (block.length === 0) return;
    if (this.#size === 0) return this.#replace(block);
    const descriptor = openSync(this.#path, constants.O_RDWR | NO_FOLLOW);
    try {
      // What an append that failed has left lies behind.
      ftruncateSync(descriptor, this.#size);
      await withFaultPoints('spool.keys-write', () => writeFullyAt(descriptor, [block], this.#size));
      await withFaultPoints('spool.keys-fsync', () => syncFile(descriptor));
      this.#size += block.length;
    } finally {
      closeSync(descriptor);
    }
  }

  /** Writes the whole of it anew. */
  compact(keys: Iterable<RememberedKey>): Promise<void> {
    return this.#replace(Buffer.concat(encodeRecords([...keys].map(toRecord), this.#identity.magic)));
  }

  async #replace(block: Buffer): Promise<void> {
    const header = encodeHeader(this.#identity, 0, { offset: 0, sequence: 0, released: 0 });
    await replaceFile(this.#path, Buffer.concat([header, block]));
    this.#size = header.length + block.length;
    this.#compactedBytes = this.#size;
  }

  async #read(file: OpenRecordFile, descriptor: number): Promise<LoadedKeys> {
    const keys: RememberedKey[] = [];
    const damage: string[] = [];
    const { size } = fstatSync(descriptor);
    this.#size = size;
    for await (const { records, from, to } of readRecords(file, HEADER_BYTES, size)) {
      for (const { key, sequence, expiresAt } of records ?? []) keys.push({ key, sequence, expiresAt });
      // The segments of what was torn are still there.
      if (records === undefined && to === size) this.#size = from;
      else if (records === undefined)
        damage.push(`${this.#path} cannot be read from byte ${from} to ${to}: deliveries may come twice`);
    }
    return { keys, damage };
  }
}

const NO_VALUE = Buffer.alloc(0);

function toRecord({ key, sequence, expiresAt }: RememberedKey): NewRecord {
  return { key, sequence, expiresAt, value: NO_VALUE, bytes: recordBytes(key, NO_VALUE) };
}
