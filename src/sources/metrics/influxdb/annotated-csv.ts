/** A block of an answer: one header, and the rows below it; the column of annotations is left out. */
export interface CsvTable {
  readonly columns: readonly string[];
  readonly datatypes: readonly string[];
  /** Whether the column is part of the group key. */
  readonly groups: readonly boolean[];
  /** With defaults filled in; '' where there is neither. */
  readonly rows: readonly (readonly string[])[];
}

/** It is none, or it says that the query failed. */
export class AnnotatedCsvError extends Error {
  override readonly name = 'AnnotatedCsvError';
  readonly kind: 'malformed' | 'reported';

  constructor(kind: 'malformed' | 'reported', message: string) {
    super(message);
    this.kind = kind;
  }
}

/**
 * Annotated CSV, the answer to a query in Flux: several tables, whose columns may differ, and errors in a table of their own.
 * @see https://docs.influxdata.com/influxdb/cloud/reference/syntax/annotated-csv/
 * @throws AnnotatedCsvError
 */
export function parseAnnotatedCsv(text: string): CsvTable[] {
  const tables: CsvTable[] = [];
  let block = new Block();
  for (const record of records(text)) {
    const isEmpty = record.length === 1 && record[0] === '';
    if (!isEmpty) {
      // Annotations after rows: a table of another shape, also where no empty line is between.
      if (record[0]?.startsWith('#') === true && block.hasHeader) {
        tables.push(block.table());
        block = new Block();
      }
      block.take(record);
      continue;
    }
    if (block.hasHeader) tables.push(block.table());
    block = block.hasHeader ? new Block(block) : block;
  }
  if (block.hasHeader) tables.push(block.table());
  return tables;
}

const NAMES = new Set(['#datatype', '#group', '#default']);

class Block {
  #annotations = new Map<string, readonly string[]>();
  #before: Block | undefined;
  #header: readonly string[] | undefined;
  #rows: (readonly string[])[] = [];

  /** `before`: whose annotations hold here too, where this one has none. */
  constructor(before?: Block) {
    this.#before = before;
  }

  get hasHeader(): boolean {
    return this.#header !== undefined;
  }

  take(record: readonly string[]): void {
    const [first = ''] = record;
    if (first.startsWith('#')) {
      if (NAMES.has(first)) this.#annotations.set(first, record.slice(1));
    } else if (this.#header === undefined) {
      this.#header = record;
      this.#inherit();
    } else {
      this.#row(record, this.#header);
    }
  }

  table(): CsvTable {
    const columns = (this.#header ?? []).slice(1);
    const datatypes = this.#annotation('#datatype', columns);
    const groups = this.#annotation('#group', columns).map((text) => text === 'true');
    return { columns, datatypes, groups, rows: this.#rows };
  }

  #row(record: readonly string[], header: readonly string[]): void {
    if (isErrorHeader(header)) {
      const at = header.indexOf('error');
      throw new AnnotatedCsvError('reported', record[at] || 'an error without a message');
    }
    if (record.length !== header.length) {
      throw new AnnotatedCsvError('malformed', `a row of ${record.length} cells below a header of ${header.length}`);
    }
    const defaults = this.#annotations.get('#default') ?? [];
    this.#rows.push(record.slice(1).map((cell, at) => (cell === '' ? (defaults[at] ?? '') : cell)));
  }

  /** A header may come again without annotations, those before hold then. */
  #inherit(): void {
    if (
      this.#annotations.size === 0 &&
      this.#before !== undefined &&
      this.#before.#header?.length === this.#header?.length
    ) {
      this.#annotations = this.#before.#annotations;
    }
    this.#before = undefined;
  }

  #annotation(name: string, columns: readonly string[]): readonly string[] {
    const found = this.#annotations.get(name) ?? [];
    if (found.length > columns.length) {
      throw new AnnotatedCsvError('malformed', `${name} has ${found.length} cells for ${columns.length} columns`);
    }
    return columns.map((_, at) => found[at] ?? '');
  }
}

function isErrorHeader(header: readonly string[]): boolean {
  const names = header[0] === '' ? header.slice(1) : header;
  return names[0] === 'error' && (names.length === 1 || names[1] === 'reference');
}

/** The records of RFC 4180: quoted cells may hold commas, quotes written twice, and line ends. */
function* records(text: string): Generator<string[], void, undefined> {
  let record: string[] = [];
  let at = 0;
  while (at < text.length) {
    const { cell, next } = text[at] === '"' ? quoted(text, at) : plain(text, at);
    record.push(cell);
    at = next;
    if (text[at] === ',') {
      at += 1;
      if (at === text.length) record.push('');
      continue;
    }
    if (text[at] === '\r') at += 1;
    if (at < text.length && text[at] !== '\n') {
      throw new AnnotatedCsvError('malformed', `"${text.slice(at, at + 20)}" after the end of a cell`);
    }
    at += 1;
    yield record;
    record = [];
  }
  if (record.length > 0) yield record;
}

const CELL_END = /,|\r?\n|\r?$/g;

function plain(text: string, from: number): { cell: string; next: number } {
  CELL_END.lastIndex = from;
  const next = CELL_END.exec(text)?.index ?? text.length;
  return { cell: text.slice(from, next), next };
}

function quoted(text: string, from: number): { cell: string; next: number } {
  const pieces: string[] = [];
  let at = from + 1;
  for (;;) {
    const end = text.indexOf('"', at);
    if (end < 0) throw new AnnotatedCsvError('malformed', 'a quoted cell that does not end');
    pieces.push(text.slice(at, end));
    if (text[end + 1] !== '"') return { cell: pieces.join('"'), next: end + 1 };
    at = end + 2;
  }
}
