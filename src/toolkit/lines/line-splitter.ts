import { isAscii, isUtf8 } from 'node:buffer';
import { DEFAULT_MAX_LINE_BYTES, type Line, type LineNotes, type LineOptions } from './line.js';
import { cutBefore, decode, LONG_TEXT_BYTES, type TextEncoding } from './text-cut.js';

/** Bytes that are asked for at once: each time costs a trip to another thread. */
export const CHUNK_BYTES = 262_144;
/** Bytes whose lines are handed out at once: what is made of them stays near, and is gone soon. */
export const PIECE_BYTES = 65_536;

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
/** U+FEFF in UTF-8. */
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Bytes in, lines out, with the byte at which each begins and ends. What comes out does not depend on the pieces in
 * which the bytes come in. Holds one incomplete line, of no more bytes than the limit.
 *
 * Put bytes into `room`, say how many to `take`, a part of them or all, again and again.
 */
export class LineSplitter {
  readonly #encoding: TextEncoding;
  readonly #limit: number;
  readonly #truncates: boolean;
  #bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  /** Where the incomplete line begins in `#bytes`, up to where it holds no line feed, and where the bytes end. */
  #at = 0;
  #searched = 0;
  #filled = 0;
  /** What is added to an index into `#bytes` to have the byte of the file. */
  #base = 0;
  #isContinuation = false;
  #nulBytes = 0;
  /** The beginning of a line of which the rest is left out. */
  #truncated: Omit<Line, 'end'> | undefined;

  constructor(options: LineOptions = {}) {
    this.#encoding = options.encoding === 'latin1' ? 'latin1' : 'utf8';
    this.#limit = options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES;
    this.#truncates = options.tooLong === 'truncate';
  }

  /** Forgets what it holds; the next bytes are those at `offset`, in the middle of a line where it is a continuation. */
  begin(offset: number, isContinuation = false): void {
    if (this.#bytes.length > CHUNK_BYTES) this.#bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.#at = 0;
    this.#searched = 0;
    this.#filled = 0;
    this.#base = offset;
    this.#isContinuation = isContinuation;
    this.#nulBytes = 0;
    this.#truncated = undefined;
  }

  /** Where the next bytes go: never empty. Valid until the next call of `room`. */
  get room(): Buffer {
    this.#makeRoom();
    return this.#bytes.subarray(this.#filled);
  }

  /** The byte after the last of those taken. */
  get position(): number {
    return this.#base + this.#filled;
  }

  /** The byte at which what is held begins. */
  get held(): number {
    return this.#truncated?.start ?? this.#base + this.#at - this.#nulBytes;
  }

  /** Up to so many bytes just before a position, as far as they are still here. Valid until the next call of `room`. */
  before(position: number, count: number): Buffer {
    const end = position - this.#base;
    return this.#bytes.subarray(Math.max(0, end - count), Math.max(0, end));
  }

  /** The lines that are complete now that so many bytes were put into the room. */
  take(count: number): Line[] {
    const lines: Line[] = [];
    this.#filled += count;
    const bytes = this.#bytes.subarray(0, this.#filled);
    const last = bytes.subarray(this.#searched).lastIndexOf(LINE_FEED);
    if (last !== -1) this.#takeComplete(bytes, this.#searched + last + 1, lines);
    this.#searched = this.#filled;
    if (this.#filled > this.#at) this.#takeLong(bytes, lines);
    return lines;
  }

  /**
   * What is held, as the end of the last line, or as a part of it that is `continued`. Nothing where nothing is held, or
   * not one whole character.
   */
  flush(how: 'end' | 'continued'): Line | undefined {
    const bytes = this.#bytes.subarray(0, this.#filled);
    let stop = this.#filled;
    if (how === 'continued') {
      // The line feed may be about to come.
      if (stop > this.#at && bytes[stop - 1] === CARRIAGE_RETURN) stop -= 1;
      stop = cutBefore(bytes, this.#at, stop, this.#encoding);
    }
    if (this.#truncated !== undefined) return how === 'end' ? this.#endTruncated(this.#truncated, stop) : undefined;
    if (stop <= this.#at) return undefined;
    const line = this.#line(bytes, this.#at, stop, stop, how === 'continued');
    this.#at = stop;
    return line;
  }

  #takeComplete(bytes: Buffer, end: number, lines: Line[]): void {
    const block = bytes.subarray(this.#at, end);
    const isInside = this.#truncated !== undefined || this.#isContinuation;
    const isPlain = !isInside && this.#nulBytes === 0 && this.#markAt(bytes, this.#at) === 0;
    const encoding = encodingOf(block, this.#encoding);
    if (!isPlain || encoding === undefined || block.indexOf(0) !== -1) return this.#takeSpecial(bytes, end, lines);
    const base = this.#base;
    const limit = Math.min(this.#limit, LONG_TEXT_BYTES);
    let at = this.#at;
    for (let feed = bytes.indexOf(LINE_FEED, this.#searched); feed !== -1; feed = bytes.indexOf(LINE_FEED, at)) {
      const stop = feed > at && bytes[feed - 1] === CARRIAGE_RETURN ? feed - 1 : feed;
      if (stop - at > limit) this.#takeOne(bytes, at, feed, lines);
      else {
        const text = bytes.toString(encoding, at, stop);
        lines.push({ text, start: base + at, end: base + feed + 1, notes: undefined });
      }
      at = feed + 1;
    }
    this.#at = at;
  }

  /** The same, line by line, where there is something to note. */
  #takeSpecial(bytes: Buffer, end: number, lines: Line[]): void {
    let from = this.#searched;
    while (this.#at < end) {
      const feed = bytes.indexOf(LINE_FEED, from);
      this.#takeOne(bytes, this.#at, feed, lines);
      this.#at = feed + 1;
      from = feed + 1;
    }
  }

  #takeOne(bytes: Buffer, from: number, feed: number, lines: Line[]): void {
    if (this.#truncated !== undefined) {
      lines.push(this.#endTruncated(this.#truncated, feed + 1));
      return;
    }
    let at = this.#skipHole(bytes, from, feed);
    const stop = feed > at && bytes[feed - 1] === CARRIAGE_RETURN ? feed - 1 : feed;
    while (stop - at > this.#limit) {
      const cut = this.#cut(bytes, at);
      if (this.#truncates) {
        lines.push(this.#endTruncated(this.#truncate(bytes, at, cut), feed + 1));
        return;
      }
      lines.push(this.#line(bytes, at, cut, cut, true));
      at = cut;
    }
    const isEmptyRest = this.#isContinuation && stop === at;
    const line = this.#line(bytes, at, stop, feed + 1, false);
    // What was cut off before the line feed is complete: an empty part says nothing.
    if (!isEmptyRest) lines.push(line);
  }

  /** What is incomplete and already longer than a line may be. One byte more, because it may be a carriage return. */
  #takeLong(bytes: Buffer, lines: Line[]): void {
    if (this.#truncated === undefined) this.#at = this.#skipHole(bytes, this.#at, this.#filled);
    while (this.#truncated === undefined && this.#filled - this.#at > this.#limit + 1) {
      const cut = this.#cut(bytes, this.#at);
      if (this.#truncates) this.#truncated = this.#truncate(bytes, this.#at, cut);
      else {
        lines.push(this.#line(bytes, this.#at, cut, cut, true));
        this.#at = cut;
      }
    }
    if (this.#truncated !== undefined) this.#at = this.#filled;
  }

  /** The index of the first byte that is not NUL, at the beginning of a line. */
  #skipHole(bytes: Buffer, from: number, end: number): number {
    if (this.#isContinuation || bytes[from] !== 0) return from;
    let at = from;
    while (at < end && bytes[at] === 0) at += 1;
    this.#nulBytes += at - from;
    return at;
  }

  /** The length of the byte order mark that a file begins with: it is no part of the first line. */
  #markAt(bytes: Buffer, at: number): number {
    if (this.#base + at !== 0 || this.#encoding !== 'utf8') return 0;
    return bytes.subarray(at, at + BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
  }

  /** Where a line that is too long is cut: never at once, so that there is an end to it. */
  #cut(bytes: Buffer, from: number): number {
    const end = from + this.#limit;
    const cut = cutBefore(bytes, from, end, this.#encoding);
    return cut === from ? end : cut;
  }

  #truncate(bytes: Buffer, at: number, cut: number): Omit<Line, 'end'> {
    const { text, start, notes } = this.#line(bytes, at, cut, cut, false);
    return { text, start, notes: { ...notes, truncated: true } };
  }

  #endTruncated({ text, start, notes }: Omit<Line, 'end'>, end: number): Line {
    this.#truncated = undefined;
    return { text, start, end: this.#base + end, notes };
  }

  #line(bytes: Buffer, at: number, stop: number, end: number, isContinued: boolean): Line {
    const notes: LineNotes = {};
    if (isContinued) notes.continued = true;
    if (this.#isContinuation) notes.continuation = true;
    if (this.#nulBytes > 0) notes.nulBytes = this.#nulBytes;
    const encoding = encodingOf(bytes.subarray(at, stop), this.#encoding);
    if (encoding === undefined) notes.invalidBytes = true;
    this.#isContinuation = isContinued;
    this.#nulBytes = 0;
    const text = decode(bytes, at + this.#markAt(bytes, at), stop, encoding ?? 'utf8');
    const hasNotes = Object.keys(notes).length > 0;
    return { text, start: this.#base + at, end: this.#base + end, notes: hasNotes ? notes : undefined };
  }

  #makeRoom(): void {
    const kept = this.#filled - this.#at;
    const isLarge = kept + CHUNK_BYTES > this.#bytes.length && kept > CHUNK_BYTES / 2;
    const target = isLarge ? Buffer.allocUnsafeSlow(2 * kept + CHUNK_BYTES) : this.#bytes;
    if (this.#at > 0 || isLarge) this.#bytes.copy(target, 0, this.#at, this.#filled);
    this.#bytes = target;
    this.#base += this.#at;
    this.#searched -= this.#at;
    this.#filled = kept;
    this.#at = 0;
  }
}

/** The fastest way to text; undefined where some of it is no text. */
function encodingOf(block: Buffer, encoding: TextEncoding): TextEncoding | undefined {
  if (encoding === 'latin1' || isAscii(block)) return 'latin1';
  return isUtf8(block) ? 'utf8' : undefined;
}
