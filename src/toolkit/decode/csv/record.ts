import type { CsvDialect } from './dialect.js';

export interface ParsedRecord {
  readonly cells: string[];
  /** Where the next record begins. */
  readonly next: number;
  readonly problem: 'text after quote' | 'open quote' | undefined;
}

/**
 * One record from `start`, by RFC 4180 section 2; undefined where the text ends before the record does. With `isLast` the
 * end of the text ends the record. After a mistake the next record is the next line.
 */
export function parseRecord(
  text: string,
  start: number,
  { delimiter, quote, newline }: CsvDialect,
  isLast: boolean,
): ParsedRecord | undefined {
  const cells: string[] = [];
  for (let at = start; ; ) {
    if (text.startsWith(quote, at)) {
      const close = closingQuote(text, at + 1, quote);
      if (close === undefined) return isLast ? broken(text, at, newline, 'open quote') : undefined;
      const end = close + 1;
      // Whether another quote, a delimiter or something else follows is not known yet.
      if (end >= text.length - 1 && !isLast) return undefined;
      cells.push(undouble(text.slice(at + 1, close), quote));
      if (text.startsWith(delimiter, end) && end < text.length) {
        at = end + 1;
        continue;
      }
      const next = recordEnd(text, end, newline);
      if (next === undefined) return broken(text, end, newline, 'text after quote', isLast);
      return { cells, next, problem: undefined };
    }
    const stop = text.indexOf(newline, at);
    const comma = text.indexOf(delimiter, at);
    if (comma !== -1 && (stop === -1 || comma < stop)) {
      cells.push(text.slice(at, comma));
      at = comma + 1;
      continue;
    }
    if (stop === -1 && !isLast) return undefined;
    const end = stop === -1 ? text.length : stop;
    cells.push(text.slice(at, endsWithReturn(text, at, end, newline) ? end - 1 : end));
    return { cells, next: stop === -1 ? text.length : stop + 1, problem: undefined };
  }
}

/** An empty line, which is no record; a cell in quotes is one, though nothing be in it. */
export function isBlank(text: string, start: number, { cells, problem }: ParsedRecord, { quote }: CsvDialect): boolean {
  return problem === undefined && cells.length === 1 && cells[0] === '' && !text.startsWith(quote, start);
}

function closingQuote(text: string, from: number, quote: string): number | undefined {
  for (let at = text.indexOf(quote, from); at !== -1; at = text.indexOf(quote, at + 2)) {
    if (text[at + 1] !== quote) return at;
  }
  return undefined;
}

function undouble(cell: string, quote: string): string {
  return cell.includes(quote) ? cell.replaceAll(quote + quote, quote) : cell;
}

function endsWithReturn(text: string, start: number, end: number, newline: string): boolean {
  return newline === '\n' && end > start && text[end - 1] === '\r';
}

/** Where the next record begins, if nothing but the end of this one follows. */
function recordEnd(text: string, at: number, newline: string): number | undefined {
  if (at >= text.length) return text.length;
  const end = newline === '\n' && text[at] === '\r' ? at + 1 : at;
  if (end >= text.length) return text.length;
  return text[end] === newline ? end + 1 : undefined;
}

function broken(
  text: string,
  at: number,
  newline: string,
  problem: ParsedRecord['problem'],
  isLast = true,
): ParsedRecord | undefined {
  const stop = text.indexOf(newline, at);
  if (stop === -1 && !isLast) return undefined;
  return { cells: [], next: stop === -1 ? text.length : stop + 1, problem };
}
