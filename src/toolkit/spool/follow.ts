import { HEADER_BYTES } from './header.js';
import type { Found } from './read-records.js';
import { readRecords } from './read-records.js';
import type { StoredRecord } from './record.js';
import { OpenRecordFile, type Segment } from './segment.js';
import type { SegmentStore } from './segment-store.js';

/** A record as the consumer gets it. */
export interface SpoolRecord {
  readonly sequence: number;
  /** Not to be written to: it may be a view of what others read too. */
  readonly value: Buffer;
}

/** Records that can no longer be had. */
export interface SpoolGap {
  /** The sequence of the first and of the last of them. */
  readonly from: number;
  readonly to: number;
  /** `released`: acknowledged before, and deleted. `damaged`: the disk has lost them. */
  readonly reason: 'released' | 'damaged';
}

/** Records that follow one another, or, with `gap`, none: those that are missing there. */
export interface SpoolBatch {
  readonly records: readonly SpoolRecord[];
  readonly gap?: SpoolGap | undefined;
}

/** Reads a spool from one sequence on, up to its end at the time. */
export class Follower {
  readonly #store: SegmentStore;
  #next: number;
  #segment: Segment | undefined;
  #file: OpenRecordFile | undefined;
  #offset = HEADER_BYTES;

  constructor(store: SegmentStore, next: number) {
    this.#store = store;
    this.#next = next;
  }

  get isAtEnd(): boolean {
    return this.#next > this.#store.last;
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#segment = undefined;
  }

  /** What there is in the segment of the next record. */
  async *batches(maxEvents: number): AsyncGenerator<SpoolBatch, void, undefined> {
    const segment = this.#store.segments.find(({ last }) => last >= this.#next);
    if (segment === undefined) return;
    if (segment !== this.#segment) this.#enter(segment);
    if (segment.first > this.#next) yield this.#gap(segment.first - 1);
    const { last, size } = segment;
    for await (const found of readRecords(this.#recordFile(segment), this.#offset, size)) {
      yield* this.#batchesOf(found, maxEvents);
      this.#offset = found.to;
    }
    if (this.#next <= last) yield this.#gap(last);
  }

  *#batchesOf({ records }: Found, maxEvents: number): Generator<SpoolBatch, void, undefined> {
    const ahead = (records ?? []).filter(({ sequence }) => sequence >= this.#next);
    for (let at = 0; at < ahead.length; at += maxEvents) {
      const some = ahead.slice(at, at + maxEvents);
      const [first] = some as [StoredRecord];
      if (first.sequence > this.#next) yield this.#gap(first.sequence - 1);
      this.#next = first.sequence + some.length;
      yield { records: some };
    }
  }

  #gap(to: number): SpoolBatch {
    const from = this.#next;
    this.#next = to + 1;
    return { records: [], gap: { from, to, reason: to <= this.#store.released ? 'released' : 'damaged' } };
  }

  #enter(segment: Segment): void {
    this.close();
    this.#segment = segment;
    this.#file = new OpenRecordFile(segment.path, this.#store.identity.magic);
    this.#offset = HEADER_BYTES;
  }

  #recordFile(segment: Segment) {
    const { recent, identity } = this.#store;
    return {
      magic: identity.magic,
      read: async (offset: number, length: number) => {
        const bytes = recent.find(segment, offset);
        if (bytes !== undefined) return { bytes, isVerified: true };
        return (this.#file as OpenRecordFile).read(offset, length);
      },
    };
  }
}
