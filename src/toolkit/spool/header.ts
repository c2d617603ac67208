import { crc32 } from 'node:zlib';

/**
 * The beginning of a segment: what it belongs to, twice, and two slots for its mark, written in turn, so that no torn
 * or flipped byte of it takes the segment with it.
 */
export const HEADER_BYTES = 256;
const IDENTITY_SLOTS = [0, 64] as const;
const MARK_SLOTS = [128, 192] as const;

const FORMAT = 'headwater-spool1';
const IDENTITY_BYTES = 46;
const MARK_BYTES = 22;

/** What tells one spool from another that was put in its place. */
export interface Identity {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** With what its records begin. */
  readonly magic: number;
}

/**
 * How far a segment is known to be on the disk, and what was acknowledged by then. Not flushed by itself: it is there
 * after the process was killed, and one group behind, at most, after the power was cut. So what is damaged in front of
 * it was damaged later, and what is torn behind it was never promised.
 */
export interface Mark {
  /** Where the records end that are known to be on the disk. */
  readonly offset: number;
  /** The last of them. */
  readonly sequence: number;
  /** The last that was acknowledged by the consumer. */
  readonly released: number;
}

export function encodeHeader(identity: Identity, first: number, mark: Mark): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  const block = encodeIdentity(identity, first);
  for (const at of IDENTITY_SLOTS) block.copy(header, at);
  encodeMark(mark).copy(header, MARK_SLOTS[0]);
  return header;
}

function encodeIdentity({ id, magic }: Identity, first: number): Buffer {
  const block = Buffer.alloc(IDENTITY_BYTES);
  block.write(FORMAT, 0, 'latin1');
  block.write(id, 16, 'hex');
  block.writeUInt32LE(magic, 32);
  block.writeUIntLE(first, 36, 6);
  return seal(block);
}

/** The bytes of a mark. */
export function encodeMark({ offset, sequence, released }: Mark): Buffer {
  const block = Buffer.alloc(MARK_BYTES);
  block.writeUIntLE(offset, 0, 6);
  block.writeUIntLE(sequence, 6, 6);
  block.writeUIntLE(released, 12, 6);
  return seal(block);
}

/** Where the mark that is written as the n-th goes. */
export function slotOfMark(turn: number): number {
  return MARK_SLOTS[turn % 2 === 0 ? 0 : 1];
}

/** `undefined` where neither copy is as it was written. */
export function readIdentity(header: Buffer): (Identity & { readonly first: number }) | undefined {
  for (const at of IDENTITY_SLOTS) {
    const block = header.subarray(at, at + IDENTITY_BYTES);
    if (!isSealed(block, IDENTITY_BYTES) || block.toString('latin1', 0, 16) !== FORMAT) continue;
    return { id: block.toString('hex', 16, 32), magic: block.readUInt32LE(32), first: block.readUIntLE(36, 6) };
  }
  return undefined;
}

/** The newer of the two, and the slot it is in; `undefined` where neither is as it was written. */
export function readMark(header: Buffer): (Mark & { readonly turn: number }) | undefined {
  let newest: (Mark & { turn: number }) | undefined;
  for (const [turn, at] of MARK_SLOTS.entries()) {
    const block = header.subarray(at, at + MARK_BYTES);
    if (!isSealed(block, MARK_BYTES)) continue;
    const [offset, sequence, released] = [0, 6, 12].map((part) => block.readUIntLE(part, 6)) as [
      number,
      number,
      number,
    ];
    // None of them ever goes back.
    if (newest === undefined || sequence + released > newest.sequence + newest.released)
      newest = { offset, sequence, released, turn };
  }
  return newest;
}

function seal(block: Buffer): Buffer {
  block.writeUInt32LE(crc32(block.subarray(0, block.length - 4)), block.length - 4);
  return block;
}

function isSealed(block: Buffer, length: number): boolean {
  return block.length === length && crc32(block.subarray(0, length - 4)) === block.readUInt32LE(length - 4);
}
