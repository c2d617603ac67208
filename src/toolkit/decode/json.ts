import { isUtf8 } from 'node:buffer';
import type { DecodeError } from '../../core/errors.js';
import { byteOrderMarkLength, whyNotText } from './byte-order-mark.js';
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

/** Where in the document: before it, between the brackets of its array, in a document that is one record, behind it. */
type Part = 'before' | 'list' | 'single' | 'after';

class JsonDecoder implements Decoder {
  readonly #maxBytes: number;
  readonly #maxDepth: number;
  readonly #takesElements: boolean;
  readonly #file: string | undefined;
  readonly #pending = new Pending();
  #part: Part = 'before';
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
  #isSkipping = false;
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
    let from = 0;
    if (this.#part === 'before') from = this.#begin(bytes, isLast, items);
    if (this.#part === 'list') from = this.#takeElements(bytes, from, items);
    if (this.#part === 'after') this.#refuseMore(bytes, from, items);
    else if (this.#part === 'single' && isLast) this.#takeDocument(bytes, items);
    else if (this.#part === 'list' && isLast) this.#endEarly(items);
    else if (!this.isDone) this.#keep(bytes.subarray(from), items);
    return items;
  }

  #begin(bytes: Buffer, isLast: boolean, items: Decoded[]): number {
    const why = whyNotText(bytes.subarray(0, 4096), this.#place(this.#offset));
    if (why !== undefined) this.#add(items, undefined, why, 0, bytes.length);
    if (why !== undefined) this.isDone = true;
    // A byte order mark may arrive in parts.
    if (bytes.length < 3 && !isLast) return 0;
    const start = skipSpace(bytes, byteOrderMarkLength(bytes));
    if (this.isDone || (start === bytes.length && !isLast)) return 0;
    if (start === bytes.length) {
      this.#part = 'after';
      return start;
    }
    if (!this.#takesElements || bytes[start] !== OPEN_LIST) {
      this.#part = 'single';
      return 0;
    }
    this.#part = 'list';
    this.#countLines(bytes, 0, start + 1);
    this.#offset += start + 1;
    return start + 1;
  }

  /** Looks for the commas between the elements, and for the bracket behind the last. */
  #takeElements(bytes: Buffer, start: number, items: Decoded[]): number {
    let from = start;
    for (let at = start + this.#scanned; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (this.#isInString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === ESCAPE) this.#isEscaped = true;
        else if (byte === QUOTE) this.#isInString = false;
      } else if (byte === QUOTE) this.#isInString = true;
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) this.#depth += 1;
      else if (this.#depth > 0 && (byte === CLOSE_LIST || byte === CLOSE_OBJECT)) this.#depth -= 1;
      else if (this.#depth === 0 && (byte === COMMA || byte === CLOSE_LIST)) {
        const isEnd = byte === CLOSE_LIST;
        this.#takeElement(bytes.subarray(from, at), isEnd, items);
        from = at + 1;
        this.#scanned = 0;
        if (isEnd) {
          this.#part = 'after';
          return from;
        }
      }
    }
    this.#scanned = bytes.length - from;
    return from;
  }

  #takeElement(bytes: Buffer, isEnd: boolean, items: Decoded[]): void {
    const start = skipSpace(bytes, 0);
    const isEmptyList = isEnd && start === bytes.length && !this.#hasValue && this.#index === 0;
    this.#countLines(bytes, 0, start);
    if (this.#isSkipping) this.#isSkipping = false;
    else if (!isEmptyList) this.#parse(bytes, start, bytes.length + 1, items);
    this.#countLines(bytes, start, bytes.length);
    this.#hasValue = true;
    this.#offset += bytes.length + 1;
  }

  #takeDocument(bytes: Buffer, items: Decoded[]): void {
    const start = skipSpace(bytes, byteOrderMarkLength(bytes));
    this.#countLines(bytes, 0, start);
    if (!this.#isSkipping) this.#parse(bytes, start, bytes.length, items);
    this.isDone = true;
  }

  #parse(bytes: Buffer, start: number, length: number, items: Decoded[]): void {
    const place = this.#place(this.#offset + start);
    const end = this.#offset + length;
    if (bytes.length > this.#maxBytes)
      return this.#add(items, undefined, tooLarge(place, this.#maxBytes, 'maxRecordBytes'), start, end);
    if (!isUtf8(bytes))
      return this.#add(items, undefined, decodeError('INVALID_ENCODING', place, 'it is not UTF-8'), start, end);
    let record: unknown;
    try {
      record = JSON.parse(bytes.toString('utf8', start));
    } catch {
      return this.#add(items, undefined, decodeError('JSON_SYNTAX', place, 'it is not a JSON value'), start, end);
    }
    const problem = isDeeper(record, this.#maxDepth, bytes.length) ? tooDeep(place, this.#maxDepth) : undefined;
    this.#add(items, problem === undefined ? record : undefined, problem, start, end);
  }

  #endEarly(items: Decoded[]): void {
    const what = 'the file ends within its array; it was cut off, or is still being written';
    const end = this.#offset + this.#scanned;
    this.#add(items, undefined, decodeError('JSON_SYNTAX', this.#place(this.#offset), what), 0, end);
  }

  #refuseMore(bytes: Buffer, from: number, items: Decoded[]): void {
    const at = skipSpace(bytes, from);
    const offset = this.#offset + (at - from);
    this.#offset += bytes.length - from;
    this.#pending.keep(new Uint8Array());
    if (at === bytes.length) return;
    const what = 'there is more behind the end of the document; for one value a line name it .jsonl';
    this.#add(items, undefined, decodeError('JSON_SYNTAX', this.#place(offset), what), 0, this.#offset);
    this.isDone = true;
  }

  /** What is too large already is told of at once, and then no more of it is kept. */
  #keep(rest: Buffer, items: Decoded[]): void {
    if (!this.#isSkipping && rest.length > this.#maxBytes) {
      this.#isSkipping = true;
      const error = tooLarge(this.#place(this.#offset), this.#maxBytes, 'maxRecordBytes');
      this.#add(items, undefined, error, 0, this.#offset + rest.length);
      if (this.#part === 'single') this.isDone = true;
    }
    if (this.#isSkipping) {
      this.#countLines(rest, 0, rest.length);
      this.#offset += rest.length;
      this.#scanned = 0;
    }
    this.#pending.keep(this.#isSkipping ? rest.subarray(rest.length) : rest);
  }

  #countLines(bytes: Buffer, from: number, to: number): void {
    for (let at = bytes.indexOf(LINE_FEED, from); at !== -1 && at < to; at = bytes.indexOf(LINE_FEED, at + 1))
      this.#line += 1;
  }

  #add(items: Decoded[], record: unknown, error: DecodeError | undefined, start: number, end: number): void {
    const index = this.#index;
    this.#index += 1;
    if (index >= this.#firstIndex)
      items.push({ record, error, index, line: this.#line, offset: this.#offset + start, end });
  }

  #place(offset: number) {
    return { file: this.#file, line: this.#line, offset };
  }
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
