import type { Segment } from './segment.js';

const MOST_BYTES = 4 * 1024 * 1024;

/** What was just written to a segment. */
interface Block {
  readonly segment: Segment;
  readonly offset: number;
  readonly bytes: Buffer;
  /** The last sequence in it. */
  readonly last: number;
}

/** The newest blocks that were written, for a consumer that keeps up: it need not read them from the disk. */
export class RecentBlocks {
  #blocks: Block[] = [];
  #bytes = 0;

  add({ segment, offset, bytes }: Omit<Block, 'last'>): void {
    if (bytes.length > MOST_BYTES) return;
    this.#blocks.push({ segment, offset, bytes, last: segment.last });
    this.#bytes += bytes.length;
    while (this.#bytes > MOST_BYTES) this.#drop();
  }

  /** Lets go of what was acknowledged. */
  dropThrough(sequence: number): void {
    for (let [oldest] = this.#blocks; oldest !== undefined && oldest.last <= sequence; [oldest] = this.#blocks)
      this.#drop();
  }

  /** The bytes from here to the end of a block; `undefined` when they are on the disk only. */
  find(segment: Segment, offset: number): Buffer | undefined {
    const block = this.#blocks.find((each) => {
      return each.segment === segment && offset >= each.offset && offset < each.offset + each.bytes.length;
    });
    return block?.bytes.subarray(offset - block.offset);
  }

  #drop(): void {
    const oldest = this.#blocks.shift();
    this.#bytes -= oldest?.bytes.length ?? 0;
  }
}
