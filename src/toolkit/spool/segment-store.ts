import { randomBytes, randomUUID } from 'node:crypto';
import { truncateSync, unlinkSync } from 'node:fs';
import { withFaultPoints } from '../../core/fault-point.js';
import { isDiskFull } from './failure.js';
import { HEADER_BYTES, type Identity } from './header.js';
import { RecentRecords } from './recent-records.js';
import { encodeRecords, type NewRecord, type StoredRecord } from './record.js';
import { findIdentity, findSegments, Recovery } from './recovery.js';
import { createSegment, type Segment } from './segment.js';
import { SegmentWriter } from './segment-writer.js';

export interface SegmentLimits {
  /** A segment that is as long is followed by another. */
  readonly maxSegmentBytes: number;
}

/** What a directory was found to be. */
export interface Findings {
  readonly tornBytes: number;
  readonly damage: readonly string[];
}

/** The segments of a spool: appended to at the end, deleted from the front. */
export class SegmentStore {
  readonly identity: Identity;
  readonly recent = new RecentRecords();
  readonly #directory: string;
  readonly #limits: SegmentLimits;
  readonly #segments: Segment[];
  #writer: SegmentWriter;
  #released: number;
  #isMarkDue = false;

  private constructor(
    directory: string,
    identity: Identity,
    limits: SegmentLimits,
    segments: Segment[],
    writer: SegmentWriter,
    released: number,
  ) {
    this.#directory = directory;
    this.identity = identity;
    this.#limits = limits;
    this.#segments = segments;
    this.#writer = writer;
    this.#released = released;
  }

  /**
   * @param onIdentity hears what the spool is before the first record of it
   * @param onRecord hears of every record that can be read, in order
   */
  static async open(
    directory: string,
    limits: SegmentLimits,
    onIdentity: (identity: Identity) => Promise<void>,
    onRecord: (record: StoredRecord) => void,
  ): Promise<{ store: SegmentStore; findings: Findings }> {
    const firsts = findSegments(directory);
    const identity = findIdentity(directory, firsts) ?? newIdentity();
    await onIdentity(identity);
    const recovery = new Recovery(directory, identity, onRecord);
    for (const [index, first] of firsts.entries()) await recovery.read(first, firsts[index + 1]);
    const { segments, released, tornBytes, damage } = recovery;
    const writer = await writerBehind(recovery, (first) => createSegment(directory, identity, first, released));
    if (writer.segment !== segments.at(-1)) segments.push(writer.segment);
    const store = new SegmentStore(directory, identity, limits, segments, writer, released);
    await store.#settle();
    return { store, findings: { tornBytes, damage } };
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** The last sequence that is on the disk. */
  get last(): number {
    return this.#writer.segment.last;
  }

  get released(): number {
    return this.#released;
  }

  /** Appends records: they are on the disk when it resolves, and none is when it rejects. */
  async append(records: readonly NewRecord[]): Promise<void> {
    await this.#rotateIfDue();
    const { segment } = this.#writer;
    const offset = segment.size;
    await this.#writer.append(encodeRecords(records, this.identity.magic), records.at(-1)?.sequence ?? segment.last);
    this.#tryMark();
    this.recent.add({ segment, offset, records, bytes: segment.size - offset });
  }

  /** The consumer has acknowledged up to this sequence. */
  release(sequence: number): void {
    this.#released = sequence;
    this.recent.dropThrough(sequence);
    if (this.#isMarkDue) return;
    this.#isMarkDue = true;
    // Once for all that is released in the same turn.
    setImmediate(() => this.#markIfDue());
  }

  /** The oldest segment, when the consumer has acknowledged all of it and no record will follow in it. */
  get deletable(): Segment | undefined {
    const [oldest] = this.#segments;
    return oldest !== undefined && oldest !== this.#writer.segment && oldest.last <= this.#released
      ? oldest
      : undefined;
  }

  /**
   * Deletes the oldest segment.
   * @param save puts what must outlive it on the disk
   */
  async deleteOldest(segment: Segment, save: () => Promise<void>): Promise<void> {
    // First, so that what is missing is known to be missing rightly.
    this.#writer.mark(this.#released);
    await this.#writer.sync();
    try {
      await save();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      // Nothing but deleting makes room, and deleting needs some. Killed between these two, its keys are forgotten.
      truncateSync(segment.path, HEADER_BYTES);
      await save();
    }
    await withFaultPoints('spool.unlink', () => {
      unlinkSync(segment.path);
      this.#segments.shift();
    });
  }

  /** On the disk. */
  get bytes(): number {
    return this.#segments.reduce((sum, { size }) => sum + size, 0);
  }

  /** On the disk, without segments of which everything is acknowledged. */
  get unreleasedBytes(): number {
    return this.#segments.reduce((sum, { last, size }) => (last > this.#released ? sum + size : sum), 0);
  }

  async close(): Promise<void> {
    try {
      this.#isMarkDue = false;
      this.#writer.mark(this.#released);
      await this.#writer.sync();
    } finally {
      this.#writer.close();
    }
  }

  /** What was found is flushed before anything is promised on the strength of it. */
  async #settle(): Promise<void> {
    try {
      this.#writer.cut();
      this.#writer.mark(this.#released);
      await this.#writer.sync();
    } catch (error) {
      this.#writer.close();
      throw error;
    }
  }

  async #rotateIfDue(): Promise<void> {
    const full = this.#writer;
    const { first, last, size } = full.segment;
    if (size < this.#limits.maxSegmentBytes || last < first || full.isTorn) return;
    const next = await createSegment(this.#directory, this.identity, last + 1, this.#released);
    this.#writer = new SegmentWriter(next);
    this.#segments.push(next);
    full.close();
  }

  #markIfDue(): void {
    if (!this.#isMarkDue) return;
    this.#isMarkDue = false;
    this.#tryMark();
  }

  /** Without it, a later process hands out again what was acknowledged. */
  #tryMark(): void {
    try {
      this.#writer.mark(this.#released);
    } catch {
      // The next one says the same, and more.
    }
  }
}

/**
 * Goes on in the last segment, unless it ends with a damaged record: one that lost its end could take its missing bytes
 * from what is written behind it, and both would be read wrongly.
 */
async function writerBehind(
  { segments, turn, isEndDamaged }: Recovery,
  create: (first: number) => Promise<Segment>,
): Promise<SegmentWriter> {
  const newest = segments.at(-1);
  if (newest === undefined) return new SegmentWriter(await create(1));
  if (isEndDamaged && newest.last >= newest.first) return new SegmentWriter(await create(newest.last + 1));
  return new SegmentWriter(newest, turn);
}

function newIdentity(): Identity {
  return { id: randomUUID().replaceAll('-', ''), magic: randomBytes(4).readUInt32LE() };
}
