import { read as readCallback, readSync, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import { gunzip, isGzip } from '../lines/gunzip.js';
import type { Line } from '../lines/line.js';
import { CHUNK_BYTES, type LineSplitter, PIECE_BYTES } from '../lines/line-splitter.js';
import {
  beginsWith,
  firstLineHash,
  HEAD_BYTES,
  type Head,
  hashOf,
  headOf,
  holds,
  isWholeHead,
  readBytes,
  readHead,
  TAIL_BYTES,
} from './fingerprint.js';
import type { TailPosition } from './tail-position.js';

const read = promisify(readCallback);

const LINE_FEED = 10;

/** What was read before is not there any more: the file was cut off, or written anew. */
export class FileChangedError extends Error {}

/** The size of a file that nobody looked at yet. */
export const UNKNOWN = -1;

/** The place up to which lines were read, and what is before it. */
type Tail = TailPosition['tail'];

/** What a look at a name tells of the file. */
export type FileStats = Pick<Stats, 'ino' | 'dev' | 'size' | 'mtimeMs'>;

/** A file whose lines are read: what it is known by, and how far it was read. */
export class TailedFile {
  /** The name under which it is, or was, written to. */
  path: string;
  /** The name under which it is now; undefined where it has none, or none that is known. */
  place: string | undefined;
  /** Which file holds the same by now, while it is read through its descriptor and has no name. */
  heldBy: string | undefined;
  inode: number;
  device: number;
  key: string | undefined;
  offset: number;
  head: Head;
  size: number;
  modified: number;
  /** Since when it is known to have been rotated, by our clock. */
  rotatedAt: number | undefined;
  isComplete = false;
  /** Whether there is, or may be, more than was read. */
  isUnread = true;
  /** Bytes after the last line feed, as of then. */
  hasRest = false;
  /** Since when nothing was written to it. */
  quietSince: number;
  /** The one that was written to before it under the same name. */
  before: TailedFile | undefined;
  isGzip = false;
  /** A copy of what was written to: nobody writes to that. */
  isCopy = false;
  /** What was read is not where it was any more. */
  isChanged = false;
  /** A copy of what was cut off: what was written between the two is lost, which is to be told at its end. */
  isCut = false;
  /** A gzip file that ends in the middle. */
  isCutOff = false;
  /** What was already told of it: the code of an error. */
  obstacle: string | undefined;
  #inflatedHead = Buffer.alloc(0);
  #tail: Tail;
  /** The bytes in front of `offset`; undefined until it was opened once. */
  #tailBytes: Buffer | undefined;

  constructor(place: string, stats: FileStats, position?: TailPosition) {
    this.path = position?.path ?? place;
    this.place = place;
    this.inode = stats.ino;
    this.device = stats.dev;
    this.size = stats.size;
    this.modified = stats.mtimeMs;
    this.quietSince = stats.mtimeMs;
    this.key = position?.key;
    this.offset = position?.offset ?? 0;
    this.head = position?.head ?? [0, hashOf(Buffer.alloc(0))];
    this.#tail = position?.tail ?? [0, 0, this.head[1]];
  }

  /** What a look at its name told. */
  see(stats: FileStats, now: number): void {
    if ((stats.size !== this.size && this.size !== UNKNOWN) || stats.mtimeMs !== this.modified) {
      this.isUnread = true;
      this.isComplete = false;
      this.quietSince = now;
    }
    this.size = stats.size;
    this.modified = stats.mtimeMs;
    this.device = stats.dev;
  }

  /** Another file on the disk holds it from now on: a copy, or the same one compressed. */
  moveTo(path: string, stats: FileStats): void {
    const isItself = this.inode === stats.ino;
    this.place = path;
    this.isCopy ||= !isItself;
    this.isUnread = !(this.isComplete && isItself && this.modified === stats.mtimeMs);
    this.inode = stats.ino;
    this.size = stats.size;
    this.modified = stats.mtimeMs;
    this.device = stats.dev;
    this.quietSince = stats.mtimeMs;
    this.isChanged = false;
    this.isGzip = false;
  }

  /** It was empty when it was looked at. */
  get isBlank(): boolean {
    return this.offset === 0 && this.head[0] === 0;
  }

  /** Nothing was read of it yet: it is known at most by its beginning. */
  get isUntouched(): boolean {
    return this.offset === 0 && !this.isComplete;
  }

  /** Nothing more comes from it. */
  end(): void {
    this.isUnread = false;
    this.isCut = false;
    this.isComplete = true;
  }

  /** Its position after what was read. */
  get position(): TailPosition {
    return this.positionAt(this.offset, this.#tail);
  }

  /** Where what is before the next lines begins: for positions among them. */
  get tail(): Tail {
    return this.#tail;
  }

  positionAt(offset: number, tail: Tail): TailPosition {
    const { path, place, inode, device, head, modified, key } = this;
    const rotated = this.rotatedAt === undefined ? undefined : 'rotated';
    const state = this.isCut ? 'cut' : this.isComplete ? 'complete' : rotated;
    return {
      path,
      ...(place !== undefined && place !== path && { place }),
      inode,
      device,
      offset,
      head,
      tail,
      modified,
      ...(key !== undefined && { key }),
      ...(state !== undefined && { state }),
    };
  }

  /**
   * Called with the descriptor each time it was opened.
   *
   * @throws FileChangedError when it does not hold what was read of it
   */
  check(descriptor: number): void {
    const head = readHead(descriptor);
    this.isGzip = isGzip(head);
    if (this.isGzip) return;
    if (this.#tailBytes === undefined) {
      if (!holds(descriptor, this.position)) throw new FileChangedError();
      const from = Math.max(0, this.offset - TAIL_BYTES);
      this.#setTail(readBytes(descriptor, this.offset - from, from));
    }
    this.#checkStill(descriptor);
  }

  /** Begins behind the last line that is complete by now. */
  beginAtEnd(descriptor: number): void {
    let end = this.size;
    for (let bytes: Buffer; end > 0; end -= bytes.length) {
      const from = Math.max(0, end - CHUNK_BYTES);
      bytes = readBytes(descriptor, end - from, from);
      const feed = bytes.lastIndexOf(LINE_FEED);
      if (feed === -1) continue;
      end = from + feed + 1;
      break;
    }
    this.offset = end;
    const from = Math.max(0, end - TAIL_BYTES);
    this.#setTail(readBytes(descriptor, end - from, from));
    this.head = headOf(readHead(descriptor));
  }

  /** What identifies its first line. Called when there is one. */
  firstLine(descriptor: number): string {
    return firstLineHash(this.isGzip ? this.#inflatedHead : readHead(descriptor));
  }

  /**
   * The next lines; none at its end. What follows the last line feed is left in the splitter.
   *
   * @throws FileChangedError
   */
  async *readLines(
    descriptor: number,
    splitter: LineSplitter,
    onBytes: (count: number) => void,
  ): AsyncGenerator<Line[]> {
    splitter.begin(this.offset, this.#isWithinLine);
    for (let hasLines = false; !hasLines; ) {
      const count = await this.#read(descriptor, splitter.room, splitter.position);
      // After the reading: what was read before it was cut off is good, what was read after it is not.
      this.#checkStill(descriptor);
      if (count === 0) return this.#atEnd(splitter);
      onBytes(count);
      for (let left = count; left > 0; left -= PIECE_BYTES) {
        const lines = splitter.take(Math.min(left, PIECE_BYTES));
        if (lines.length === 0) continue;
        hasLines = true;
        yield this.#passed(lines, splitter);
      }
    }
  }

  /** What was just written is still in memory: no need for another thread. */
  async #read(descriptor: number, room: Buffer, position: number): Promise<number> {
    if (this.size - position <= PIECE_BYTES) return readSync(descriptor, room, 0, room.length, position);
    return (await read(descriptor, room, 0, room.length, position)).bytesRead;
  }

  /** The lines of a gzip file, inflated once from its beginning to its end. */
  async *inflateLines(
    descriptor: number,
    splitter: LineSplitter,
    onBytes: (count: number) => void,
  ): AsyncGenerator<Line[]> {
    const { offset } = this;
    splitter.begin(offset);
    let position = 0;
    let passed = Buffer.alloc(0);
    for await (const piece of gunzip(descriptor)) {
      onBytes(piece.length);
      if (position === 0) this.#inflatedHead = Buffer.from(piece.subarray(0, HEAD_BYTES));
      if (position === 0 && !isWholeHead(this.head)) this.head = headOf(piece);
      let at = Math.min(piece.length, Math.max(0, offset - position));
      if (position <= offset) passed = Buffer.concat([passed, piece.subarray(0, at)]).subarray(-TAIL_BYTES);
      if (position <= offset && position + piece.length > offset) {
        this.#setTail(passed);
        splitter.begin(offset, this.#isWithinLine);
      }
      position += piece.length;
      while (at < piece.length) {
        const count = piece.copy(splitter.room, 0, at);
        at += count;
        const lines = splitter.take(count);
        if (lines.length > 0) yield this.#passed(lines, splitter);
      }
    }
    this.#atEnd(splitter);
  }

  /** What follows the last line feed, as a line. */
  takeRest(splitter: LineSplitter, how: 'end' | 'continued'): Line[] {
    const line = splitter.flush(how);
    if (line === undefined) return [];
    this.hasRest = how === 'continued' && splitter.position > line.end;
    return this.#passed([line], splitter);
  }

  get #isWithinLine(): boolean {
    const bytes = this.#tailBytes;
    return bytes !== undefined && bytes.length > 0 && bytes.at(-1) !== LINE_FEED;
  }

  #atEnd(splitter: LineSplitter): void {
    if (!this.isGzip) this.size = splitter.position;
    this.isUnread = false;
    this.isCutOff = false;
    this.hasRest = splitter.position > splitter.held;
  }

  #passed(lines: Line[], splitter: LineSplitter): Line[] {
    const last = lines.at(-1);
    if (last === undefined) return lines;
    const fresh = splitter.before(last.end, TAIL_BYTES);
    const bytes = fresh.length < TAIL_BYTES ? Buffer.concat([this.#tailBytes ?? Buffer.alloc(0), fresh]) : fresh;
    this.offset = last.end;
    this.#setTail(bytes.subarray(-TAIL_BYTES));
    return lines;
  }

  #setTail(bytes: Buffer): void {
    this.#tailBytes = Buffer.from(bytes);
    this.#tail = [this.offset, bytes.length, hashOf(bytes)];
  }

  #checkStill(descriptor: number): void {
    const tail = this.#tailBytes as Buffer;
    if (!readBytes(descriptor, tail.length, this.offset - tail.length).equals(tail)) throw new FileChangedError();
    if (isWholeHead(this.head) && this.offset >= this.head[0]) return;
    const bytes = readHead(descriptor);
    if (!beginsWith(bytes, this.head)) throw new FileChangedError();
    this.head = headOf(bytes);
  }
}
