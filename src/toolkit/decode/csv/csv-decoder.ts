import { isAscii, isUtf8 } from 'node:buffer';
import type { DecodeError } from '../../../core/errors.js';
import { byteOrderMarkLength, whyNotText } from '../byte-order-mark.js';
import { decodeError, tooLarge } from '../decode-error.js';
import type { Decoded, DecodePosition, Decoder } from '../decoder.js';
import { MAX_COLUMNS, MAX_RECORD_BYTES } from '../limits.js';
import { Pending } from '../pending.js';
import { type CsvDialect, guessDelimiter, guessNewline } from './dialect.js';
import { columnNames, type MakeRecord, recordMaker } from './header.js';
import type { CsvOptions } from './index.js';
import { type ParsedRecord, parseRecord } from './record.js';

/** What a later decoder of the same file cannot see: its beginning. */
interface Context {
  dialect: CsvDialect;
  /** null: records are arrays. */
  names: readonly string[] | null;
  columns: number;
}

const NOT_ASCII = /[\u0080-\u00ff]/;
const SEPARATOR_LINE = /^sep=([\t -~])\r?(\n|\r)/i;

/**
 * Works on the bytes as Latin-1 text, where a character is a byte: offsets are exact, and only the cells that hold more
 * than ASCII are decoded a second time.
 */
export class CsvDecoder implements Decoder {
  readonly #options: CsvOptions;
  readonly #file: string | undefined;
  readonly #maxBytes: number;
  readonly #pending = new Pending();
  #context: Context | undefined;
  #makeRecord: MakeRecord | undefined;
  #offset: number;
  #line: number;
  #index: number;
  #isSkipping = false;
  isDone = false;

  constructor(options: CsvOptions, position: DecodePosition | undefined, file: string | undefined) {
    this.#options = options;
    this.#file = file;
    this.#maxBytes = options.maxRecordBytes ?? MAX_RECORD_BYTES;
    this.#offset = position?.offset ?? 0;
    this.#line = position?.line ?? 1;
    this.#index = position?.index ?? 0;
    if (position?.context !== undefined) this.#use(position.context as Context);
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

  positionAfter(decoded: Decoded): DecodePosition {
    const { end, index } = decoded;
    const { endLine } = decoded as Row;
    const position = { offset: end, index: index + 1, line: endLine };
    return this.#context === undefined ? position : { ...position, context: this.#context };
  }

  #take(bytes: Buffer, isLast: boolean): Decoded[] {
    const items: Decoded[] = [];
    if (this.#offset === 0) {
      const why = whyNotText(bytes.subarray(0, 4096), this.#place());
      if (why !== undefined) {
        this.isDone = true;
        this.#add(items, undefined, why, bytes.length, this.#line);
        return items;
      }
    }
    const text = bytes.toString('latin1');
    const isPlain = this.#options.encoding === 'latin1' || isAscii(bytes);
    const start = this.#isSkipping ? this.#skip(text) : this.#begin(text, isLast);
    if (start === undefined) this.#keep(bytes, 0, items);
    else this.#keep(bytes, this.#takeRecords(text, start, isPlain, isLast, items), items, isLast);
    return items;
  }

  /** Passes over the rest of a record that was too large, up to the end of the line. */
  #skip(text: string): number | undefined {
    const stop = text.indexOf(this.#context?.dialect.newline ?? '\n');
    if (stop === -1) return undefined;
    this.#isSkipping = false;
    this.#offset += stop + 1;
    this.#line += 1;
    return stop + 1;
  }

  /** Finds out the dialect from the first complete record; undefined while there is none. */
  #begin(text: string, isLast: boolean): number | undefined {
    if (this.#context !== undefined) return 0;
    const mark = this.#offset === 0 ? byteOrderMarkLength(Buffer.from(text.slice(0, 3), 'latin1')) : 0;
    const body = text.slice(mark);
    const { quote = '"', delimiter = 'auto', header = true } = this.#options;
    const isTooLong = text.length > this.#maxBytes;
    const newline = guessNewline(body, quote, isLast || isTooLong);
    if (newline === undefined) return undefined;
    const told = delimiter === 'auto' ? SEPARATOR_LINE.exec(body) : null;
    const from = mark + (told?.[0].length ?? 0);
    const dialect = {
      quote,
      newline,
      delimiter: delimiter === 'auto' ? (told?.[1] ?? guessDelimiter(body, quote, newline)) : delimiter,
    };
    const first = parseRecord(text, from, dialect, isLast);
    if (first === undefined && !isTooLong) return undefined;
    this.#offset += from;
    if (told) this.#line += 1;
    if (header !== true || first === undefined || from >= text.length) {
      const names = Array.isArray(header) ? columnNames(header) : null;
      this.#use({ dialect, names, columns: names?.length ?? 0 });
      return from;
    }
    const cells = first.cells.map((cell) => (this.#options.encoding === 'latin1' ? cell : (decodeUtf8(cell) ?? cell)));
    this.#use({ dialect, names: columnNames(cells), columns: cells.length });
    this.#offset += first.next - from;
    this.#line += countLines(text, from, first.next, newline);
    return first.next;
  }

  #use(context: Context): void {
    this.#context = context;
    this.#makeRecord = recordMaker(context.names ?? undefined);
  }

  #takeRecords(text: string, start: number, isPlain: boolean, isLast: boolean, items: Decoded[]): number {
    const { dialect } = this.#context as Context;
    let from = start;
    let nextQuote = text.indexOf(dialect.quote, from);
    while (from < text.length) {
      const stop = text.indexOf(dialect.newline, from);
      if (nextQuote !== -1 && nextQuote < from) nextQuote = text.indexOf(dialect.quote, from);
      const isSimple = stop !== -1 && (nextQuote === -1 || nextQuote > stop);
      if (isSimple) this.#takeLine(text, from, stop, isPlain, items);
      const parsed = isSimple ? undefined : parseRecord(text, from, dialect, isLast);
      if (!isSimple && parsed === undefined) break;
      if (parsed !== undefined) this.#takeParsed(text, from, parsed, isPlain, items);
      from = parsed?.next ?? stop + 1;
    }
    return from;
  }

  /** A record on one line without a quote: nearly all of them. */
  #takeLine(text: string, from: number, stop: number, isPlain: boolean, items: Decoded[]): void {
    const { dialect } = this.#context as Context;
    const end = dialect.newline === '\n' && text.charCodeAt(stop - 1) === 13 && stop > from ? stop - 1 : stop;
    const line = text.slice(from, end);
    this.#takeCells(
      line.split(dialect.delimiter),
      stop + 1 - from,
      isPlain || !NOT_ASCII.test(line),
      this.#line + 1,
      items,
    );
  }

  #takeParsed(text: string, from: number, parsed: ParsedRecord, isPlain: boolean, items: Decoded[]): void {
    const { cells, next, problem } = parsed;
    const { newline } = (this.#context as Context).dialect;
    const endLine = this.#line + countLines(text, from, next, newline);
    if (problem === undefined) return this.#takeCells(cells, next - from, isPlain, endLine, items);
    const error =
      problem === 'open quote'
        ? decodeError(
            'CSV_OPEN_QUOTE',
            this.#place(),
            'a quote is opened and never closed; reading goes on with the next line',
          )
        : decodeError(
            'CSV_TEXT_AFTER_QUOTE',
            this.#place(),
            'text follows a closing quote; double the quotes within a cell',
          );
    this.#add(items, undefined, error, next - from, endLine);
  }

  #takeCells(cells: string[], length: number, isPlain: boolean, endLine: number, items: Decoded[]): void {
    const context = this.#context as Context;
    if (context.columns === 0) this.#use({ ...context, columns: cells.length });
    const expected = this.#context?.columns ?? 0;
    const error = this.#refuse(cells, length, expected);
    if (error !== undefined) return this.#add(items, undefined, error, length, endLine);
    if (cells.length === 1 && cells[0] === '') return this.#pass(length, endLine);
    const decoded = isPlain ? cells : cells.map(decodeUtf8);
    if (decoded.includes(undefined)) {
      return this.#add(
        items,
        undefined,
        decodeError('INVALID_ENCODING', this.#place(), 'this row is not UTF-8; is it latin1?'),
        length,
        endLine,
      );
    }
    this.#add(items, this.#makeRecord?.(decoded as string[]), undefined, length, endLine);
  }

  #refuse(cells: readonly string[], length: number, expected: number): DecodeError | undefined {
    const { maxColumns = MAX_COLUMNS } = this.#options;
    if (length > this.#maxBytes) return tooLarge(this.#place(), this.#maxBytes, 'maxRecordBytes');
    if (cells.length > maxColumns)
      return decodeError(
        'CSV_COLUMNS',
        this.#place(),
        `more than ${maxColumns} cells; raise maxColumns if that is right`,
      );
    if (cells.length === expected || (cells.length === 1 && cells[0] === '')) return undefined;
    return decodeError('CSV_RAGGED_ROW', this.#place(), `${cells.length} cells where ${expected} were expected`);
  }

  /** What is too long already is told of at once, and then no more of it is kept. */
  #keep(bytes: Buffer, from: number, items: Decoded[], isLast = false): void {
    const rest = bytes.subarray(from);
    if (isLast) return this.#pending.keep(new Uint8Array());
    if (this.#isSkipping) {
      this.#offset += rest.length;
      return this.#pending.keep(new Uint8Array());
    }
    if (rest.length <= this.#maxBytes) return this.#pending.keep(rest);
    const stop = rest.toString('latin1').indexOf(this.#context?.dialect.newline ?? '\n');
    const error = tooLarge(this.#place(), this.#maxBytes, 'maxRecordBytes (or is a quote open?)');
    // Where a quote was left open the lines behind it are rows again.
    const length = stop === -1 ? rest.length : stop + 1;
    this.#isSkipping = stop === -1;
    this.#add(items, undefined, error, length, this.#line + (stop === -1 ? 0 : 1));
    this.#pending.keep(rest.subarray(length));
    if (stop !== -1) items.push(...this.#take(this.#pending.join(new Uint8Array()), false));
  }

  #add(items: Decoded[], record: unknown, error: DecodeError | undefined, length: number, endLine: number): void {
    const offset = this.#offset;
    const row: Row = { record, error, index: this.#index, line: this.#line, offset, end: offset + length, endLine };
    items.push(row);
    this.#index += 1;
    this.#pass(length, endLine);
  }

  #pass(length: number, endLine: number): void {
    this.#offset += length;
    this.#line = endLine;
  }

  #place() {
    return { file: this.#file, line: this.#line, offset: this.#offset };
  }
}

interface Row extends Decoded {
  /** The line on which the next record begins. */
  readonly endLine: number;
}

function decodeUtf8(latin1: string): string | undefined {
  if (!NOT_ASCII.test(latin1)) return latin1;
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

function countLines(text: string, from: number, to: number, newline: string): number {
  let lines = 0;
  for (let at = text.indexOf(newline, from); at !== -1 && at < to; at = text.indexOf(newline, at + 1)) lines += 1;
  return lines;
}
