import { parseRecord } from './record.js';

/** How the cells and records of a file are told apart. */
export interface CsvDialect {
  readonly delimiter: string;
  readonly quote: string;
  /** What ends a record; a carriage return before a line feed belongs to it. */
  readonly newline: '\n' | '\r';
}

const CANDIDATES = [',', ';', '\t', '|'];
const SAMPLED_RECORDS = 10;

/** The delimiter that splits the first records into the same number of cells, more than one. A comma if none does. */
export function guessDelimiter(text: string, quote: string, newline: CsvDialect['newline']): string {
  let best = { delimiter: ',', score: 0 };
  for (const delimiter of CANDIDATES) {
    const score = scoreOf(text, { delimiter, quote, newline });
    if (score > best.score) best = { delimiter, score };
  }
  return best.delimiter;
}

function scoreOf(text: string, dialect: CsvDialect): number {
  let position = 0;
  let first = 0;
  let matching = 0;
  for (let count = 0; count < SAMPLED_RECORDS && position < text.length; count += 1) {
    const parsed = parseRecord(text, position, dialect, false);
    if (parsed === undefined || parsed.problem !== undefined) break;
    const { length } = parsed.cells;
    if (count === 0) first = length;
    if (length === first) matching += 1;
    position = parsed.next;
  }
  // One record that is not complete yet tells by its cells alone.
  if (first === 0) first = text.split(dialect.delimiter).length;
  return first < 2 ? 0 : matching * 1_000 + first;
}

/** What ends the first record; undefined while that cannot be told. */
export function guessNewline(text: string, quote: string, isLast: boolean): CsvDialect['newline'] | undefined {
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === quote) isQuoted = !isQuoted;
    else if (isQuoted || (character !== '\n' && character !== '\r')) continue;
    else if (character === '\n' || text[at + 1] === '\n') return '\n';
    else return at + 1 < text.length || isLast ? '\r' : undefined;
  }
  return isLast ? '\n' : undefined;
}
