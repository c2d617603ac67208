import { isUtf8 } from 'node:buffer';
import type { DecodeError } from '../../core/errors.js';
import { byteOrderMarkLength, HEAD_BYTES, whyNotText } from './byte-order-mark.js';
import { decodeError, tooDeep, tooLarge } from './decode-error.js';
import type { Decoded, DecodePosition, Decoder, Format } from './decoder.js';
import { isDeeper, MAX_DEPTH, MAX_RECORD_BYTES } from './limits.js';
import { Pending } from './pending.js';

export interface JsonLinesOptions {
  /** Bytes of a line. Default 1 MiB. */
  maxRecordBytes?: number | undefined;
  /** Default 100. */
  maxDepth?: number | undefined;
}

/** In a position: nothing of this file is read. */
const REFUSED = 'refused';
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A JSON value on each line (https://jsonlines.org). Blank lines are left out; a bad line is an error, the next goes on. */
export function jsonl(options: JsonLinesOptions = {}): Format {
  return {
    name: 'jsonl',
    resumesFrom: 'offset',
    open: async ({ position, file } = {}) => new JsonLinesDecoder(options, position, file),
  };
}

class JsonLinesDecoder implements Decoder {
  readonly #maxBytes: number;
  readonly #maxDepth: number;
  readonly #file: string | undefined;
  readonly #pending = new Pending();
  /** Where the line begins that comes next. */
  #offset: number;
  #line: number;
  #index: number;
  /** Bytes of a line that is too long and is passed over. It is told of when its end is known. */
  #skipped = 0;
  #isRefused = false;
  isDone = false;

  constructor(options: JsonLinesOptions, position: DecodePosition | undefined, file: string | undefined) {
    this.#maxBytes = options.maxRecordBytes ?? MAX_RECORD_BYTES;
    this.#maxDepth = options.maxDepth ?? MAX_DEPTH;
    this.#file = file;
    this.#offset = position?.offset ?? 0;
    this.#line = position?.line ?? 1;
    this.#index = position?.index ?? 0;
    this.isDone = position?.context === REFUSED;
  }

  push(chunk: Uint8Array): Decoded[] {
    if (this.isDone) return [];
    return this.#take(this.#pending.join(chunk), false);
  }

  finish(): Decoded[] {
    if (this.isDone) return [];
    return this.#take(this.#pending.join(new Uint8Array()), true);
  }

  positionAfter({ end, index, line = 0 }: Decoded): DecodePosition {
    const position = { offset: end, index: index + 1, line: line + 1 };
    return this.#isRefused ? { ...position, context: REFUSED } : position;
  }

  #take(bytes: Buffer, isLast: boolean): Decoded[] {
    const items: Decoded[] = [];
    if (this.#offset === 0 && this.#skipped === 0) {
      if (bytes.length < HEAD_BYTES && !isLast) {
        this.#pending.keep(bytes);
        return items;
      }
      const why = whyNotText(bytes, this.#place());
      if (why !== undefined) return this.#giveUp(why, Math.min(bytes.length, HEAD_BYTES));
    }
    const isValid = isUtf8(bytes.subarray(0, bytes.lastIndexOf(LINE_FEED) + 1));
    let from = 0;
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, from)) {
      this.#takeLine(bytes.subarray(from, end), end + 1 - from, isValid, items);
      from = end + 1;
    }
    this.#takeRest(bytes.subarray(from), isLast, items);
    return items;
  }

  #takeRest(rest: Buffer, isLast: boolean, items: Decoded[]): void {
    if (isLast) {
      if (rest.length + this.#skipped > 0) this.#takeLine(rest, rest.length, false, items);
      this.isDone = true;
    } else if (this.#skipped > 0 || rest.length > this.#maxBytes) {
      this.#skipped += rest.length;
      this.#pending.keep(rest.subarray(rest.length));
    } else this.#pending.keep(rest);
  }

  #takeLine(bytes: Buffer, rest: number, isValid: boolean, items: Decoded[]): void {
    const length = this.#skipped + rest;
    if (this.#skipped > 0 || bytes.length > this.#maxBytes)
      this.#add(items, undefined, tooLarge(this.#place(), this.#maxBytes, 'maxRecordBytes'), length);
    else this.#decode(bytes, length, isValid, items);
    this.#skipped = 0;
    this.#offset += length;
    this.#line += 1;
  }

  #decode(bytes: Buffer, length: number, isValid: boolean, items: Decoded[]): void {
    const start = this.#offset === 0 ? byteOrderMarkLength(bytes) : 0;
    const stop = bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length;
    if (stop <= start) return;
    if (!isValid && !isUtf8(bytes)) {
      this.#add(items, undefined, decodeError('INVALID_ENCODING', this.#place(), 'this line is not UTF-8'), length);
      return;
    }
    const text = bytes.toString('utf8', start, stop);
    let record: unknown;
    try {
      record = JSON.parse(text);
    } catch {
      if (text.trim() === '') return;
      this.#add(items, undefined, decodeError('JSON_SYNTAX', this.#place(), 'this line is not a JSON value'), length);
      return;
    }
    if (isDeeper(record, this.#maxDepth, text.length))
      this.#add(items, undefined, tooDeep(this.#place(), this.#maxDepth), length);
    else this.#add(items, record, undefined, length);
  }

  #add(items: Decoded[], record: unknown, error: DecodeError | undefined, length: number): void {
    const offset = this.#offset;
    items.push({ record, error, index: this.#index, line: this.#line, offset, end: offset + length });
    this.#index += 1;
  }

  #giveUp(error: DecodeError, length: number): Decoded[] {
    const items: Decoded[] = [];
    this.#isRefused = true;
    this.isDone = true;
    this.#add(items, undefined, error, length);
    return items;
  }

  #place() {
    return { file: this.#file, line: this.#line, offset: this.#offset };
  }
}
