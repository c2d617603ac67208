import { crc32 } from 'node:zlib';

/**
 * A record in a file of the spool, little-endian:
 *
 * | bytes | |
 * |---|---|
 * | 4 | the magic number of this spool, random: what a sender puts into a body cannot pass for a record |
 * | 4 | CRC-32 of the record, with zero in this place |
 * | 4, 2 | length of value and key |
 * | 6 | sequence |
 * | 6 | until when the key is remembered, in milliseconds since the epoch |
 * | | key, value |
 */
const HEADER_BYTES = 26;
const CHECKSUM_AT = 4;
const CHECKSUM_END = 8;

export interface NewRecord {
  readonly sequence: number;
  /** Empty: none. */
  readonly key: string;
  readonly expiresAt: number;
  readonly value: Buffer;
  /** What it takes on the disk; see `recordBytes`. */
  readonly bytes: number;
}

/** What a record takes on the disk. */
export function recordBytes(key: string, value: Buffer): number {
  return HEADER_BYTES + Buffer.byteLength(key) + value.length;
}

/** Records as pieces to be written one behind the other; the values are not copied. */
export function encodeRecords(records: readonly NewRecord[], magic: number): Buffer[] {
  const heads = Buffer.allocUnsafe(records.reduce((sum, { bytes, value }) => sum + bytes - value.length, 0));
  const pieces: Buffer[] = [];
  let at = 0;
  for (const record of records) {
    const { bytes, value } = record;
    const end = at + bytes - value.length;
    const head = heads.subarray(at, end);
    encodeHead(record, magic, head);
    head.writeUInt32LE(crc32(value, crc32(head)), CHECKSUM_AT);
    pieces.push(head, value);
    at = end;
  }
  return pieces;
}

/** All but the checksum, of which it is taken with zero in its place. */
function encodeHead({ key, value, sequence, expiresAt }: NewRecord, magic: number, head: Buffer): void {
  head.writeUInt32LE(magic, 0);
  head.writeUInt32LE(0, CHECKSUM_AT);
  head.writeUInt32LE(value.length, 8);
  head.writeUInt16LE(head.length - HEADER_BYTES, 12);
  head.writeUIntLE(sequence, 14, 6);
  head.writeUIntLE(expiresAt, 20, 6);
  if (key !== '') head.write(key, HEADER_BYTES);
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
export function wholeRecords(bytes: Buffer, magic: number): { records: StoredRecord[]; end: number } {
  const records: StoredRecord[] = [];
  const seed = seedOf(magic);
  let at = 0;
  for (;;) {
    const length = lengthOfRecord(bytes, at, magic);
    if (length === undefined || !isIntact(bytes, at, length, seed)) return { records, end: at };
    records.push(new StoredRecord(bytes, at, at + length));
    at += length;
  }
}

/** Where the first record that is as it was written begins; the length of the bytes where there is none. */
export function nextIntact(bytes: Buffer, magic: number): number {
  const wanted = Buffer.alloc(4);
  wanted.writeUInt32LE(magic);
  const seed = seedOf(magic);
  for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + 1)) {
    const length = lengthOfRecord(bytes, at, magic);
    if (length !== undefined && isIntact(bytes, at, length, seed)) return at;
  }
  return bytes.length;
}

/** The checksum of what every record begins with. */
function seedOf(magic: number): number {
  const start = Buffer.alloc(CHECKSUM_END);
  start.writeUInt32LE(magic);
  return crc32(start);
}

function isIntact(bytes: Buffer, at: number, length: number, seed: number): boolean {
  if (at + length > bytes.length) return false;
  return crc32(bytes.subarray(at + CHECKSUM_END, at + length), seed) === bytes.readUInt32LE(at + CHECKSUM_AT);
}
