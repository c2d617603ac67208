import type { CsvDialect } from './dialect.js';

type Part = 'cell start' | 'plain' | 'quoted' | 'after quote' | 'after return' | 'broken';

/** A record that is too large to be held: it is followed to its end, so that the next is never looked for within it. */
export class SkippedRecord {
  readonly #dialect: CsvDialect;
  #part: Part = 'cell start';
  length = 0;
  lines = 0;

  constructor(dialect: CsvDialect) {
    this.#dialect = dialect;
  }

  /** At the end of the file: a quote was opened and never closed. */
  get isQuoted(): boolean {
    return this.#part === 'quoted';
  }

  /** Passes over what belongs to it. How much that is where it ends here, undefined where it does not. */
  pass(text: string): number | undefined {
    const { newline, quote } = this.#dialect;
    for (let at = this.#passPlain(text); at < text.length; at += 1) {
      if (this.#part === 'quoted') at = this.#seek(text, at, quote);
      else if (this.#part === 'broken') at = this.#seek(text, at, newline);
      const character = text[at];
      if (character === newline) this.lines += 1;
      if (character === newline && this.#part !== 'quoted') {
        this.length += at + 1;
        return at + 1;
      }
      if (character !== undefined) this.#part = this.#behind(character);
    }
    this.length += text.length;
    return undefined;
  }

  /** Most of what is too large has no quotes: then only a newline means anything. How much was passed. */
  #passPlain(text: string): number {
    const { newline, quote, delimiter } = this.#dialect;
    if (text === '' || (this.#part !== 'plain' && this.#part !== 'cell start') || text.includes(quote)) return 0;
    const end = text.indexOf(newline);
    const length = end === -1 ? text.length : end;
    if (length > 0) this.#part = text[length - 1] === delimiter ? 'cell start' : 'plain';
    return length;
  }

  #seek(text: string, from: number, wanted: string): number {
    const found = text.indexOf(wanted, from);
    const to = found === -1 ? text.length : found;
    if (this.#part === 'quoted') this.lines += countOf(text, this.#dialect.newline, from, to);
    return to;
  }

  #behind(character: string): Part {
    const { delimiter, quote, newline } = this.#dialect;
    const part = this.#part;
    if (part === 'broken') return 'broken';
    if (part === 'quoted') return character === quote ? 'after quote' : 'quoted';
    if (part === 'after quote') {
      if (character === quote) return 'quoted';
      if (character === '\r' && newline === '\n') return 'after return';
      return character === delimiter ? 'cell start' : 'broken';
    }
    if (part === 'after return') return 'broken';
    if (character === delimiter) return 'cell start';
    return part === 'cell start' && character === quote ? 'quoted' : 'plain';
  }
}

/** How often a character stands in a part of a text. */
export function countOf(text: string, character: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf(character, from); at !== -1 && at < to; at = text.indexOf(character, at + 1)) count += 1;
  return count;
}
