import type { Segment } from './segment.js';

const MOST_BYTES = 4 * 1024 * 1024;

/** A record as the consumer gets it. */
export interface SpoolRecord {
  readonly sequence: number;
  /** Not to be written to: others may read it too. */
  readonly value: Buffer;
}

/** What was written in one go. */
export interface RecentGroup {
  readonly segment: Segment;
  /** Where it begins in the segment. */
  readonly offset: number;
  /** One sequence after the other. */
  readonly records: readonly SpoolRecord[];
  /** Of their values. */
  readonly bytes: number;
}

/** The newest records, for a consumer that keeps up: it need not read them from the disk. */
export class RecentRecords {
  #groups: RecentGroup[] = [];
  #bytes = 0;

  add(group: RecentGroup): void {
    this.#groups.push(group);
    this.#bytes += group.bytes;
    while (this.#bytes > MOST_BYTES) this.#drop();
  }

  /** Lets go of what was acknowledged. */
  dropThrough(sequence: number): void {
    for (let [oldest] = this.#groups; oldest !== undefined && lastOf(oldest) <= sequence; [oldest] = this.#groups) {
      this.#drop();
    }
  }

  /** The group with this record; `undefined` when it is on the disk only. */
  find(sequence: number): RecentGroup | undefined {
    const [oldest] = this.#groups;
    if (oldest === undefined || sequence < firstOf(oldest)) return undefined;
    return this.#groups.find((group) => sequence <= lastOf(group));
  }

  #drop(): void {
    this.#bytes -= this.#groups.shift()?.bytes ?? 0;
  }
}

function firstOf({ records }: RecentGroup): number {
  return records[0]?.sequence ?? 0;
}

function lastOf({ records }: RecentGroup): number {
  return records.at(-1)?.sequence ?? 0;
}
