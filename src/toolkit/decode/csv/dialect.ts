import type { CsvOptions } from './index.js';
import { parseRecord } from './record.js';

/** How the cells and records of a file are told apart. */
export interface CsvDialect {
  readonly delimiter: string;
  readonly quote: string;
  /** What ends a record; a carriage return before a line feed belongs to it. */
  readonly newline: '\n' | '\r';
}

/** Bytes at the beginning from which a dialect is told, whatever the size of the chunks. */
const SAMPLE_BYTES = 16_384;
const CANDIDATES = [',', ';', '\t', '|'];
const SAMPLED_RECORDS = 10;
const SEPARATOR_LINE = /^sep=([\t -~])\r?(\n|\r)/i;

/**
 * The dialect of a file, and how long a first line `sep=;` is that tells it, as spreadsheets write it. undefined: more of
 * the file is needed, up to the end of its first line.
 */
export function findDialect(
  text: string,
  { quote = '"', delimiter = 'auto' }: CsvOptions,
  maxBytes: number,
  isLast: boolean,
): { dialect: CsvDialect; length: number } | undefined {
  if (text.length <= SAMPLE_BYTES && !isLast) return undefined;
  const sample = text.slice(0, SAMPLE_BYTES);
  const first = guessNewline(isLast ? sample : sample.replace(/\r$/, ''), quote, delimiter);
  const newline = first ?? lateNewline(text.slice(0, maxBytes), isLast || text.length > maxBytes);
  if (newline === undefined) return undefined;
  const told = delimiter === 'auto' ? SEPARATOR_LINE.exec(sample) : null;
  const length = told?.[0].length ?? 0;
  const guessed = delimiter === 'auto' ? (told?.[1] ?? guessDelimiter(sample, quote, newline)) : delimiter;
  return { dialect: { quote, newline, delimiter: guessed }, length };
}

/** Of a first line that is longer than the sample. */
function lateNewline(text: string, isWhole: boolean): CsvDialect['newline'] | undefined {
  const at = text.search(/[\r\n]/);
  if (at === -1) return isWhole ? '\n' : undefined;
  return at + 1 < text.length || isWhole ? newlineAt(text, at) : undefined;
}

/** The delimiter that splits the first records into the same number of cells, more than one. A comma if none does. */
function guessDelimiter(text: string, quote: string, newline: CsvDialect['newline']): string {
  let best = { delimiter: ',', score: 0 };
  for (const delimiter of CANDIDATES) {
    const score = delimiter === quote ? 0 : scoreOf(text, { delimiter, quote, newline });
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

/**
 * What ends the first record, outside the quotes that open where a cell begins. Where that leaves nothing, as a quote is
 * never closed, what ends the first line. undefined: there is nothing of the kind.
 */
function guessNewline(text: string, quote: string, delimiter: string): CsvDialect['newline'] | undefined {
  const opens = new Set([...CANDIDATES, delimiter, '\n', '\r', '\ufeff']);
  let at = 0;
  while (at < text.length) {
    const character = text[at] as string;
    if (character === '\n' || character === '\r') return newlineAt(text, at);
    const isOpen = character === quote && (at === 0 || opens.has(text[at - 1] as string));
    at = isOpen ? behindQuotes(text, at + 1, quote) : at + 1;
  }
  const first = text.search(/[\r\n]/);
  return first === -1 ? undefined : newlineAt(text, first);
}

function newlineAt(text: string, at: number): CsvDialect['newline'] {
  return text[at] === '\n' || text[at + 1] === '\n' ? '\n' : '\r';
}

function behindQuotes(text: string, from: number, quote: string): number {
  let at = text.indexOf(quote, from);
  while (at !== -1 && text[at + 1] === quote) at = text.indexOf(quote, at + 2);
  return at === -1 ? text.length : at + 1;
}
