import { crc32 } from 'node:zlib';

/**
 * A record in a file of the spool, little-endian:
 *
 * | bytes | |
 * |---|---|
 * | 4 | the magic number of this spool, random: what a sender puts into a body cannot pass for a record |
 * | 4 | CRC-32 of everything after it |
 * | 4, 2 | length of value and key |
 * | 6 | sequence |
 * | 6 | until when the key is remembered, in milliseconds since the epoch |
 * | | key, value |
 */
const HEADER_BYTES = 26;
const CHECKED_FROM = 8;

export interface NewRecord {
  readonly sequence: number;
  /** Empty: none. */
  readonly key: string;
  readonly expiresAt: number;
  readonly value: Buffer | string;
}

/** What a record takes on the disk, in bytes. */
export function recordBytes({ key, value }: Pick<NewRecord, 'key' | 'value'>): number {
  return HEADER_BYTES + Buffer.byteLength(key) + Buffer.byteLength(value);
}

/** Records in one block, to be written at once. */
export function encodeRecords(records: readonly NewRecord[], magic: number): Buffer {
  const block = Buffer.allocUnsafe(records.reduce((sum, record) => sum + recordBytes(record), 0));
  let at = 0;
  for (const record of records) at = encodeRecord(record, magic, block, at);
  return block;
}

function encodeRecord(
  { key, value, sequence, expiresAt }: NewRecord,
  magic: number,
  block: Buffer,
  at: number,
): number {
  const keyEnd = at + HEADER_BYTES + block.write(key, at + HEADER_BYTES);
  const end = keyEnd + (typeof value === 'string' ? block.write(value, keyEnd) : value.copy(block, keyEnd));
  block.writeUInt32LE(magic, at);
  block.writeUInt32LE(end - keyEnd, at + 8);
  block.writeUInt16LE(keyEnd - at - HEADER_BYTES, at + 12);
  block.writeUIntLE(sequence, at + 14, 6);
  block.writeUIntLE(expiresAt, at + 20, 6);
  block.writeUInt32LE(crc32(block.subarray(at + CHECKED_FROM, end)), at + 4);
  return end;
}

/** A record as it lies in bytes that were read: what is not asked for is not decoded. */
export class StoredRecord {
  readonly sequence: number;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.sequence = bytes.readUIntLE(start + 14, 6);
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  /** Empty: none. */
  get key(): string {
    return this.#bytes.toString('utf8', this.#start + HEADER_BYTES, this.#keyEnd);
  }

  get expiresAt(): number {
    return this.#bytes.readUIntLE(this.#start + 20, 6);
  }

  /** A view of what was read, no copy. */
  get value(): Buffer {
    return this.#bytes.subarray(this.#keyEnd, this.#end);
  }

  get #keyEnd(): number {
    return this.#start + HEADER_BYTES + this.#bytes.readUInt16LE(this.#start + 12);
  }
}

/** How long the record that begins here says it is; `undefined` where none begins. */
export function lengthOfRecord(bytes: Buffer, at: number, magic: number): number | undefined {
  if (at + HEADER_BYTES > bytes.length || bytes.readUInt32LE(at) !== magic) return undefined;
  return HEADER_BYTES + bytes.readUInt32LE(at + 8) + bytes.readUInt16LE(at + 12);
}

/** The records from the start of these bytes, up to the first that is not whole or not as it was written. */
export function wholeRecords(
  bytes: Buffer,
  magic: number,
  isVerified: boolean,
): { records: StoredRecord[]; end: number } {
  const records: StoredRecord[] = [];
  let at = 0;
  for (;;) {
    const length = lengthOfRecord(bytes, at, magic);
    if (length === undefined || at + length > bytes.length) break;
    if (!isVerified && !isIntact(bytes, at, length)) break;
    records.push(new StoredRecord(bytes, at, at + length));
    at += length;
  }
  return { records, end: at };
}

/** Where the first record that is as it was written begins; the length of the bytes where there is none. */
export function nextIntact(bytes: Buffer, magic: number): number {
  const wanted = Buffer.alloc(4);
  wanted.writeUInt32LE(magic);
  for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + 1)) {
    const length = lengthOfRecord(bytes, at, magic);
    if (length !== undefined && at + length <= bytes.length && isIntact(bytes, at, length)) return at;
  }
  return bytes.length;
}

function isIntact(bytes: Buffer, at: number, length: number): boolean {
  return crc32(bytes.subarray(at + CHECKED_FROM, at + length)) === bytes.readUInt32LE(at + 4);
}
