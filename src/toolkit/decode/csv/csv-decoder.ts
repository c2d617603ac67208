import { isAscii, isUtf8 } from 'node:buffer';
import type { DecodeError } from '../../../core/errors.js';
import { byteOrderMarkLength, HEAD_BYTES, whyNotText } from '../byte-order-mark.js';
import { decodeError, tooLarge } from '../decode-error.js';
import type { Decoded, DecodePosition, Decoder } from '../decoder.js';
import { MAX_COLUMNS, MAX_RECORD_BYTES } from '../limits.js';
import { Pending } from '../pending.js';
import { type CsvDialect, findDialect } from './dialect.js';
import { columnNames, type MakeRecord, recordMaker } from './header.js';
import type { CsvOptions } from './index.js';
import { isBlank, type ParsedRecord, parseRecord } from './record.js';
import { countOf, SkippedRecord } from './skipped-record.js';

/** What a later decoder of the same file cannot see: its beginning. */
interface Context {
  dialect: CsvDialect;
  /** null: records are arrays. */
  names: readonly string[] | null;
  columns: number;
}

interface Row extends Decoded {
  /** The line on which the next record begins. */
  readonly endLine: number;
}

/** In a position: nothing more of this file is read. */
const REFUSED = 'refused';
const NOT_ASCII = /[\u0080-\u00ff]/;

/**
 * Works on the bytes as Latin-1 text, where a character is a byte: offsets are exact, and only the cells that hold more
 * than ASCII are decoded a second time.
 */
export class CsvDecoder implements Decoder {
  readonly #options: CsvOptions;
  readonly #file: string | undefined;
  readonly #maxBytes: number;
  readonly #pending = new Pending();
  #dialect: CsvDialect | undefined;
  #context: Context | undefined;
  #makeRecord: MakeRecord | undefined;
  #offset: number;
  #line: number;
  #index: number;
  #skipped: SkippedRecord | undefined;
  /** Of the bytes at hand. */
  #isPlain = false;
  #hasNul = false;
  #isRefused = false;
  isDone = false;

  constructor(options: CsvOptions, position: DecodePosition | undefined, file: string | undefined) {
    this.#options = options;
    this.#file = file;
    this.#maxBytes = options.maxRecordBytes ?? MAX_RECORD_BYTES;
    this.#offset = position?.offset ?? 0;
    this.#line = position?.line ?? 1;
    this.#index = position?.index ?? 0;
    if (position?.context === REFUSED) this.isDone = true;
    else if (position?.context !== undefined) this.#use(position.context as Context);
  }

  push(chunk: Uint8Array): Decoded[] {
    return this.isDone ? [] : this.#take(this.#pending.join(chunk), false);
  }

  finish(): Decoded[] {
    if (this.isDone) return [];
    const items = this.#take(this.#pending.join(new Uint8Array()), true);
    if (this.#skipped !== undefined) this.#tellSkipped(this.#skipped, items);
    this.isDone = true;
    return items;
  }

  positionAfter(decoded: Decoded): DecodePosition {
    const { end, index } = decoded;
    const { endLine } = decoded as Row;
    return { offset: end, index: index + 1, line: endLine, context: this.#isRefused ? REFUSED : this.#context };
  }

  #take(bytes: Buffer, isLast: boolean): Decoded[] {
    const items: Decoded[] = [];
    const text = bytes.toString('latin1');
    this.#isPlain = this.#options.encoding === 'latin1' || isAscii(bytes);
    this.#hasNul = bytes.includes(0);
    let from = this.#skipped === undefined ? 0 : this.#skip(text, items);
    if (this.#dialect === undefined) from = this.#begin(bytes, text, isLast, items);
    if (this.#dialect !== undefined && this.#context === undefined) from = this.#takeHeader(text, from, isLast, items);
    if (this.#context !== undefined) from = this.#takeRecords(text, from, isLast, items);
    this.#keep(bytes.subarray(from), isLast);
    return items;
  }

  #begin(bytes: Buffer, text: string, isLast: boolean, items: Decoded[]): number {
    if (bytes.length < HEAD_BYTES && !isLast) return 0;
    const why = whyNotText(bytes, this.#place());
    if (why !== undefined) {
      this.#refuseFile(items, why, Math.min(bytes.length, HEAD_BYTES));
      return 0;
    }
    const mark = byteOrderMarkLength(bytes);
    const found = findDialect(text.slice(mark), this.#options, this.#maxBytes, isLast);
    if (found === undefined) return 0;
    this.#dialect = found.dialect;
    this.#pass(mark + found.length, this.#line + (found.length === 0 ? 0 : 1));
    const { header = true } = this.#options;
    if (header === true) return mark + found.length;
    const names = header === false ? null : columnNames(header);
    this.#use({ dialect: found.dialect, names, columns: names?.length ?? 0 });
    return mark + found.length;
  }

  /** The first record that is not an empty line. Without the names nothing behind it means anything. */
  #takeHeader(text: string, start: number, isLast: boolean, items: Decoded[]): number {
    const dialect = this.#dialect as CsvDialect;
    let from = start;
    while (from < text.length && this.#context === undefined && !this.isDone) {
      const parsed = parseRecord(text, from, dialect, isLast);
      const length = (parsed?.next ?? text.length) - from;
      if (length > this.#maxBytes)
        this.#refuseFile(items, tooLarge(this.#place(), this.#maxBytes, 'maxRecordBytes'), this.#maxBytes);
      if (parsed === undefined || this.isDone) break;
      if (!isBlank(text, from, parsed, dialect)) this.#takeNames(parsed, length, items);
      this.#pass(length, this.#line + countOf(text, dialect.newline, from, parsed.next));
      from = parsed.next;
    }
    return from;
  }

  #takeNames({ cells, problem }: ParsedRecord, length: number, items: Decoded[]): void {
    const names = this.#options.encoding === 'latin1' ? cells : cells.map(decodeUtf8);
    const error = this.#whyNotRead(cells, problem) ?? (names.includes(undefined) ? this.#notUtf8() : undefined);
    if (error !== undefined) return this.#refuseFile(items, error, length);
    const columns = columnNames(names as string[]);
    this.#use({ dialect: this.#dialect as CsvDialect, names: columns, columns: columns.length });
  }

  #use(context: Context): void {
    this.#dialect = context.dialect;
    this.#context = context;
    this.#makeRecord = recordMaker(context.names ?? undefined);
  }

  #takeRecords(text: string, start: number, isLast: boolean, items: Decoded[]): number {
    const { dialect } = this.#context as Context;
    let from = start;
    let nextQuote = text.indexOf(dialect.quote, from);
    while (from < text.length) {
      const stop = text.indexOf(dialect.newline, from);
      if (nextQuote !== -1 && nextQuote < from) nextQuote = text.indexOf(dialect.quote, from);
      const isSimple = stop !== -1 && (nextQuote === -1 || nextQuote > stop);
      if (isSimple) this.#takeLine(text, from, stop, items);
      const parsed = isSimple ? undefined : parseRecord(text, from, dialect, isLast);
      if (!isSimple && (parsed === undefined || this.#isEndless(parsed, text.length - from))) break;
      if (parsed !== undefined) this.#takeParsed(text, from, parsed, items);
      from = parsed?.next ?? stop + 1;
    }
    return from;
  }

  /** A quote that stays open for longer than a record may be is one, however much of the file is at hand. */
  #isEndless({ problem }: ParsedRecord, rest: number): boolean {
    return problem === 'open quote' && rest > this.#maxBytes;
  }

  /** A record on one line without a quote: nearly all of them. */
  #takeLine(text: string, from: number, stop: number, items: Decoded[]): void {
    const { dialect } = this.#context as Context;
    const end = dialect.newline === '\n' && text.charCodeAt(stop - 1) === 13 && stop > from ? stop - 1 : stop;
    const length = stop + 1 - from;
    if (end === from) return this.#pass(length, this.#line + 1);
    const line = text.slice(from, end);
    const isPlain = this.#isPlain || !NOT_ASCII.test(line);
    this.#takeCells(line.split(dialect.delimiter), length, isPlain, this.#line + 1, items);
  }

  #takeParsed(text: string, from: number, parsed: ParsedRecord, items: Decoded[]): void {
    const { cells, next, problem } = parsed;
    const { dialect } = this.#context as Context;
    const endLine = this.#line + countOf(text, dialect.newline, from, next);
    if (isBlank(text, from, parsed, dialect)) return this.#pass(next - from, endLine);
    this.#takeCells(cells, next - from, this.#isPlain, endLine, items, problem);
  }

  #takeCells(
    cells: string[],
    length: number,
    isPlain: boolean,
    endLine: number,
    items: Decoded[],
    problem?: ParsedRecord['problem'],
  ): void {
    let error = this.#refuse(cells, length, problem);
    const decoded = error !== undefined || isPlain ? cells : cells.map(decodeUtf8);
    if (error === undefined && decoded !== cells && decoded.includes(undefined)) error = this.#notUtf8();
    const record = error === undefined ? this.#makeRecord?.(decoded as string[]) : undefined;
    this.#add(items, record, error, length, endLine);
  }

  #refuse(cells: readonly string[], length: number, problem: ParsedRecord['problem']): DecodeError | undefined {
    if (length > this.#maxBytes) return tooLarge(this.#place(), this.#maxBytes, 'maxRecordBytes');
    const error = this.#whyNotRead(cells, problem);
    if (error !== undefined) return error;
    const context = this.#context as Context;
    if (context.columns === 0) this.#use({ ...context, columns: cells.length });
    const expected = context.columns === 0 ? cells.length : context.columns;
    if (cells.length === expected) return undefined;
    return decodeError('CSV_RAGGED_ROW', this.#place(), `${cells.length} cells where ${expected} were expected`);
  }

  /** What is wrong with a record or a header by itself. */
  #whyNotRead(cells: readonly string[], problem: ParsedRecord['problem']): DecodeError | undefined {
    const { maxColumns = MAX_COLUMNS } = this.#options;
    if (problem === 'open quote') {
      const what = 'a quote is opened and never closed; reading goes on with the next line';
      return decodeError('CSV_OPEN_QUOTE', this.#place(), what);
    }
    if (problem === 'text after quote') {
      const what = 'text follows a closing quote; double the quotes within a cell';
      return decodeError('CSV_TEXT_AFTER_QUOTE', this.#place(), what);
    }
    if (cells.length > maxColumns) {
      const what = `more than ${maxColumns} cells; raise maxColumns if that is right`;
      return decodeError('CSV_COLUMNS', this.#place(), what);
    }
    if (!this.#hasNul || !cells.some((cell) => cell.includes('\0'))) return undefined;
    return decodeError('BINARY', this.#place(), 'this row holds NUL bytes, so it is no text');
  }

  #notUtf8(): DecodeError {
    return decodeError('INVALID_ENCODING', this.#place(), 'this row is not UTF-8; is it latin1?');
  }

  #refuseFile(items: Decoded[], error: DecodeError, length: number): void {
    this.#add(items, undefined, error, length, this.#line);
    this.#isRefused = true;
    this.isDone = true;
  }

  /** Of a record that is too large no more is kept. */
  #keep(rest: Buffer, isLast: boolean): void {
    const isTooLarge = this.#context !== undefined && rest.length > this.#maxBytes;
    if (isLast || this.isDone || isTooLarge) this.#pending.keep(new Uint8Array());
    else this.#pending.keep(rest);
    if (!isTooLarge) return;
    this.#skipped = new SkippedRecord((this.#context as Context).dialect);
    this.#skipped.pass(rest.toString('latin1'));
  }

  #skip(text: string, items: Decoded[]): number {
    const skipped = this.#skipped as SkippedRecord;
    const end = skipped.pass(text);
    if (end === undefined) return text.length;
    this.#tellSkipped(skipped, items);
    this.#skipped = undefined;
    return end;
  }

  #tellSkipped({ isQuoted, length, lines }: SkippedRecord, items: Decoded[]): void {
    const what = 'a quote is opened and never closed, and more than maxRecordBytes follow, which were not read';
    const error = isQuoted
      ? decodeError('CSV_OPEN_QUOTE', this.#place(), what)
      : tooLarge(this.#place(), this.#maxBytes, 'maxRecordBytes');
    this.#add(items, undefined, error, length, this.#line + lines);
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

function decodeUtf8(latin1: string): string | undefined {
  if (!NOT_ASCII.test(latin1)) return latin1;
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}
