import { HEADER_BYTES } from './header.js';
import { readRecords } from './read-records.js';
import type { SpoolRecord } from './recent-records.js';
import { OpenRecordFile, type Segment } from './segment.js';
import type { SegmentStore } from './segment-store.js';

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
  /** A place at or before the next record. */
  #segment: Segment | undefined;
  #offset = HEADER_BYTES;
  #file: { readonly segment: Segment; readonly bytes: OpenRecordFile } | undefined;

  constructor(store: SegmentStore, next: number) {
    this.#store = store;
    this.#next = next;
  }

  get isAtEnd(): boolean {
    return this.#next > this.#store.last;
  }

  close(): void {
    this.#file?.bytes.close();
    this.#file = undefined;
  }

  /** What there is from the next record on, of what was written in one go or into one segment. */
  batches(maxEvents: number): Iterable<SpoolBatch> | AsyncIterable<SpoolBatch> {
    const recent = this.#store.recent.find(this.#next);
    if (recent === undefined) return this.#fromDisk(maxEvents);
    this.#segment = recent.segment;
    this.#offset = recent.offset;
    return this.#batchesOf(recent.records, maxEvents);
  }

  async *#fromDisk(maxEvents: number): AsyncGenerator<SpoolBatch, void, undefined> {
    const segment = this.#store.segments.find(({ last }) => last >= this.#next);
    if (segment === undefined) return;
    if (segment !== this.#segment) this.#offset = HEADER_BYTES;
    this.#segment = segment;
    const file = this.#open(segment);
    const { first, last, size } = segment;
    if (first > this.#next) yield this.#gap(first - 1);
    for await (const { records, to } of readRecords(file, this.#offset, size)) {
      yield* this.#batchesOf(records ?? [], maxEvents);
      this.#offset = to;
    }
    if (this.#next <= last) yield this.#gap(last);
  }

  *#batchesOf(records: readonly SpoolRecord[], maxEvents: number): Generator<SpoolBatch, void, undefined> {
    for (let at = firstAtLeast(records, this.#next); at < records.length; ) {
      const first = records[at]?.sequence ?? this.#next;
      if (first > this.#next) yield this.#gap(first - 1);
      const end = endOfRun(records, at, maxEvents);
      this.#next = first + end - at;
      yield { records: records.slice(at, end) };
      at = end;
    }
  }

  #gap(to: number): SpoolBatch {
    const from = this.#next;
    this.#next = to + 1;
    return { records: [], gap: { from, to, reason: to <= this.#store.released ? 'released' : 'damaged' } };
  }

  #open(segment: Segment): OpenRecordFile {
    if (this.#file?.segment === segment) return this.#file.bytes;
    this.close();
    const bytes = new OpenRecordFile(segment.path, this.#store.identity.magic);
    this.#file = { segment, bytes };
    return bytes;
  }
}

function firstAtLeast(records: readonly SpoolRecord[], sequence: number): number {
  const at = records.findIndex((record) => record.sequence >= sequence);
  return at < 0 ? records.length : at;
}

/** Behind the records that follow one another, and are not too many. */
function endOfRun(records: readonly SpoolRecord[], from: number, most: number): number {
  const first = records[from]?.sequence ?? 0;
  let end = from + 1;
  while (end < records.length && end < from + most && records[end]?.sequence === first + end - from) end += 1;
  return end;
}
