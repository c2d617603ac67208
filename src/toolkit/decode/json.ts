import { isUtf8 } from 'node:buffer';
import type { DecodeError } from '../../core/errors.js';
import { byteOrderMarkLength, HEAD_BYTES, whyNotText } from './byte-order-mark.js';
import { decodeError, tooDeep, tooLarge } from './decode-error.js';
import type { Decoded, DecodePosition, Decoder, Format } from './decoder.js';
import { isDeeper, MAX_DEPTH, MAX_DOCUMENT_BYTES } from './limits.js';
import { Pending } from './pending.js';

export interface JsonOptions {
  /** Bytes of one record: of an element of a top-level array, or of the whole document. Default 2 MiB. */
  maxRecordBytes?: number | undefined;
  /** Default 100. */
  maxDepth?: number | undefined;
  /** 'elements' (default): each element of a top-level array is a record. 'document': the file is one record. */
  records?: 'elements' | 'document' | undefined;
}

const [LINE_FEED, QUOTE, COMMA, OPEN_LIST, ESCAPE, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [
  0x0a, 0x22, 0x2c, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d,
];

/**
 * A JSON document (RFC 8259). The elements of a top-level array are records as soon as they are read, so such a file may
 * be of any size; a bad element is an error and the next goes on. An empty file has no records.
 */
export function json(options: JsonOptions = {}): Format {
  return {
    name: 'json',
    // A record of several lines, and whether one is within the array, is only known from the beginning.
    resumesFrom: 'start',
    open: async ({ position, file } = {}) => new JsonDecoder(options, position, file),
  };
}

/** Where in the document: at its first bytes, in the space before it, between the brackets of its array, in a document that is one record, behind it. */
type Part = 'head' | 'before' | 'list' | 'single' | 'after';

class JsonDecoder implements Decoder {
  readonly #maxBytes: number;
  readonly #maxDepth: number;
  readonly #takesElements: boolean;
  readonly #file: string | undefined;
  readonly #pending = new Pending();
  #part: Part = 'head';
  /** Records before this one were delivered by an earlier decoder. */
  readonly #firstIndex: number;
  /** Where the bytes begin that are still to be looked at, or kept. */
  #offset = 0;
  #line = 1;
  #index = 0;
  /** Of the value at hand: how far it was looked at, and the state there. */
  #scanned = 0;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** Bytes of a value that is too large and is passed over. It is told of when its end is known. */
  #skipped = 0;
  #skippedLines = 0;
  #hasValue = false;
  isDone = false;

  constructor(options: JsonOptions, position: DecodePosition | undefined, file: string | undefined) {
    this.#maxBytes = options.maxRecordBytes ?? MAX_DOCUMENT_BYTES;
    this.#maxDepth = options.maxDepth ?? MAX_DEPTH;
    this.#takesElements = options.records !== 'document';
    this.#file = file;
    this.#firstIndex = position?.index ?? 0;
  }

  push(chunk: Uint8Array): Decoded[] {
    return this.isDone ? [] : this.#take(this.#pending.join(chunk), false);
  }

  finish(): Decoded[] {
    if (this.isDone) return [];
    const items = this.#take(this.#pending.join(new Uint8Array()), true);
    this.isDone = true;
    return items;
  }

  positionAfter({ index, end, line = 1 }: Decoded): DecodePosition {
    return { offset: end, index: index + 1, line };
  }

  #take(bytes: Buffer, isLast: boolean): Decoded[] {
    const items: Decoded[] = [];
    let from = this.#part === 'head' ? this.#open(bytes, isLast, items) : 0;
    if (this.#part === 'before') from = this.#begin(bytes, from);
    if (this.#part === 'list') from = this.#takeElements(bytes, from, items);
    if (this.#part === 'after') this.#refuseMore(bytes, from, items);
    else if (this.#part === 'single' && isLast) this.#takeDocument(bytes.subarray(from), items);
    else if (this.#part === 'list' && isLast) this.#endEarly(bytes.subarray(from), items);
    else if (!this.isDone) this.#keep(bytes.subarray(from), items);
    return items;
  }

  #open(bytes: Buffer, isLast: boolean, items: Decoded[]): number {
    if (bytes.length < HEAD_BYTES && !isLast) return 0;
    const why = whyNotText(bytes, this.#place());
    if (why !== undefined) {
      this.#add(items, undefined, why, Math.min(bytes.length, HEAD_BYTES));
      this.isDone = true;
      return 0;
    }
    this.#part = 'before';
    const mark = byteOrderMarkLength(bytes);
    this.#pass(bytes, 0, mark);
    return mark;
  }

  #begin(bytes: Buffer, from: number): number {
    const start = this.#passSpace(bytes, from);
    if (start === bytes.length) return start;
    const isList = this.#takesElements && bytes[start] === OPEN_LIST;
    this.#part = isList ? 'list' : 'single';
    if (!isList) return start;
    this.#pass(bytes, start, start + 1);
    return start + 1;
  }

  /** Looks for the commas between the elements, and for the bracket behind the last. */
  #takeElements(bytes: Buffer, start: number, items: Decoded[]): number {
    let from = this.#valueStart(bytes, start);
    for (let at = from + this.#scanned; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (this.#isInString) this.#scanString(byte);
      else if (byte === QUOTE) this.#isInString = true;
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) this.#depth += 1;
      else if (this.#depth > 0 && (byte === CLOSE_LIST || byte === CLOSE_OBJECT)) this.#depth -= 1;
      else if (this.#depth === 0 && (byte === COMMA || byte === CLOSE_LIST)) {
        this.#takeElement(bytes.subarray(from, at), byte === CLOSE_LIST, items);
        this.#pass(bytes, from, at + 1);
        this.#scanned = 0;
        if (byte === CLOSE_LIST) {
          this.#part = 'after';
          return at + 1;
        }
        from = this.#valueStart(bytes, at + 1);
        at = from - 1;
      }
    }
    this.#scanned = bytes.length - from;
    return from;
  }

  #scanString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === ESCAPE) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isInString = false;
  }

  /** Space before a value is none of its bytes. */
  #valueStart(bytes: Buffer, from: number): number {
    return this.#scanned === 0 && this.#skipped === 0 ? this.#passSpace(bytes, from) : from;
  }

  #takeElement(bytes: Buffer, isEnd: boolean, items: Decoded[]): void {
    const isEmptyList = isEnd && bytes.length === 0 && this.#skipped === 0 && !this.#hasValue;
    if (!isEmptyList) this.#takeValue(bytes, bytes.length + 1, items);
    this.#hasValue = true;
  }

  #takeDocument(bytes: Buffer, items: Decoded[]): void {
    this.#takeValue(bytes, bytes.length, items);
    this.isDone = true;
  }

  #takeValue(bytes: Buffer, length: number, items: Decoded[]): void {
    if (this.#skipped > 0 || bytes.length > this.#maxBytes) this.#refuseSize(length, items);
    else this.#parse(bytes, length, items);
  }

  #refuseSize(length: number, items: Decoded[]): void {
    this.#add(items, undefined, tooLarge(this.#place(), this.#maxBytes, 'maxRecordBytes'), this.#skipped + length);
    this.#offset += this.#skipped;
    this.#line += this.#skippedLines;
    this.#skipped = 0;
    this.#skippedLines = 0;
  }

  #parse(bytes: Buffer, length: number, items: Decoded[]): void {
    const place = this.#place();
    if (!isUtf8(bytes))
      return this.#add(items, undefined, decodeError('INVALID_ENCODING', place, 'it is not UTF-8'), length);
    let record: unknown;
    try {
      record = JSON.parse(bytes.toString('utf8'));
    } catch {
      return this.#add(items, undefined, decodeError('JSON_SYNTAX', place, 'it is not a JSON value'), length);
    }
    const problem = isDeeper(record, this.#maxDepth, bytes.length) ? tooDeep(place, this.#maxDepth) : undefined;
    this.#add(items, problem === undefined ? record : undefined, problem, length);
  }

  #endEarly(rest: Buffer, items: Decoded[]): void {
    if (this.#skipped + rest.length > this.#maxBytes) {
      this.#refuseSize(rest.length, items);
      this.#pass(rest, 0, rest.length);
    }
    const what = 'the file ends within its array; it was cut off, or is still being written';
    this.#add(items, undefined, decodeError('JSON_SYNTAX', this.#place(), what), 0);
  }

  #refuseMore(bytes: Buffer, from: number, items: Decoded[]): void {
    const at = this.#passSpace(bytes, from);
    this.#pending.keep(new Uint8Array());
    if (at === bytes.length) return;
    const what = 'there is more behind the end of the document; for one value a line name it .jsonl';
    this.#add(items, undefined, decodeError('JSON_SYNTAX', this.#place(), what), 0);
    this.isDone = true;
  }

  /** No more is kept of what is too large already. A document ends with it. */
  #keep(rest: Buffer, items: Decoded[]): void {
    const isTooLarge = this.#skipped > 0 || (this.#part !== 'head' && rest.length > this.#maxBytes);
    if (!isTooLarge) return this.#pending.keep(rest);
    this.#pending.keep(new Uint8Array());
    if (this.#part === 'single') {
      this.#refuseSize(this.#maxBytes, items);
      this.isDone = true;
      return;
    }
    this.#skipped += rest.length;
    this.#skippedLines += countLines(rest, 0, rest.length);
    this.#scanned = 0;
  }

  #passSpace(bytes: Buffer, from: number): number {
    const start = skipSpace(bytes, from);
    this.#pass(bytes, from, start);
    return start;
  }

  #pass(bytes: Buffer, from: number, to: number): void {
    this.#offset += to - from;
    this.#line += countLines(bytes, from, to);
  }

  #add(items: Decoded[], record: unknown, error: DecodeError | undefined, length: number): void {
    const index = this.#index;
    this.#index += 1;
    if (index < this.#firstIndex) return;
    items.push({ record, error, index, line: this.#line, offset: this.#offset, end: this.#offset + length });
  }

  #place() {
    return { file: this.#file, line: this.#line, offset: this.#offset };
  }
}

function countLines(bytes: Buffer, from: number, to: number): number {
  let lines = 0;
  for (let at = from; at < to; at += 1) if (bytes[at] === LINE_FEED) lines += 1;
  return lines;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (
    at < bytes.length &&
    (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === LINE_FEED || bytes[at] === 0x0d)
  )
    at += 1;
  return at;
}
