import { hash } from 'node:crypto';
import { CursorError, FatalError } from '../../../core/errors.js';
import { retry } from '../../../toolkit/retry.js';
import type { SnapshotConfig } from '../config.js';
import type { SnapshotCursor } from '../cursor.js';
import type { Column, Session } from '../engine/engine.js';
import type { DatabaseValue } from '../engine/values.js';
import type { ModeContext } from '../mode.js';
import { findRelation, type Relation } from '../relation.js';
import { type DatabaseRow, decoder } from '../rows.js';
import { type Condition, readPage } from '../statement.js';
import { type Block, Blocks, FIRST_BLOCK, HASH_LENGTH, type KeyValue } from './block.js';
import { compare, type Difference, type ScannedRow } from './differences.js';

/** Differences that were found together, and the cursor behind them. */
export interface ScanStep {
  readonly relation: Relation;
  readonly differences: readonly Difference[];
  readonly cursor: SnapshotCursor;
}

interface Target {
  readonly relation: Relation;
  readonly decode: ReturnType<typeof decoder>;
}

interface Place {
  readonly after: readonly string[] | undefined;
  readonly block: string;
}

/** One look at everything, block after block; each block is compared when all of it was read. */
export class Scan {
  readonly #mode: ModeContext;
  readonly #config: SnapshotConfig;
  readonly #blocks: Blocks;
  #cursor: SnapshotCursor;

  /** Goes on where the cursor is within a scan, or begins the next one. */
  constructor(mode: ModeContext, config: SnapshotConfig, before: SnapshotCursor | undefined) {
    this.#mode = mode;
    this.#config = config;
    this.#blocks = new Blocks(mode.context.state);
    const { scan, next, columns } = before ?? { scan: 0, next: 1, columns: [] };
    this.#cursor = before?.at === undefined ? { mode: 'snapshot', columns, scan: scan + 1, next } : before;
  }

  async *steps(): AsyncGenerator<ScanStep, void, undefined> {
    const target = await this.#read((session) => this.#find(session));
    if (target === undefined) return;
    this.#cursor = { ...this.#cursor, columns: this.#columns(target.relation) };
    let isTold = this.#cursor.at !== undefined;
    let place: Place | undefined = { after: this.#cursor.at?.after, block: this.#cursor.at?.block ?? FIRST_BLOCK };
    while (place !== undefined) {
      const { next, comparison, isChanged } = await this.#block(target, place);
      place = next;
      const { at: _, ...over } = this.#cursor;
      this.#cursor =
        next === undefined
          ? over
          : { ...over, at: { block: next.block, ...(next.after !== undefined && { after: [...next.after] }) } };
      // What changed nothing may be compared again. The end is told where the cursor says that a scan is under way.
      if (!isChanged && !(next === undefined && isTold)) continue;
      isTold = true;
      yield { relation: target.relation, differences: comparison.differences, cursor: this.#cursor };
    }
  }

  get cursor(): SnapshotCursor {
    return this.#cursor;
  }

  /** Compares a block with the rows in its place. What of it lies behind a full page is a block of its own then. */
  async #block(target: Target, { after, block: name }: Place) {
    const { block, absorbed } = await this.#load(name);
    const rows = await this.#rows(target, after, block.end);
    const isComplete = rows.length < this.#config.pageSize;
    const comparison = compare(block, rows, isComplete);
    const isChanged = absorbed.length > 0 || !isComplete || !comparison.isUnchanged;
    const last = rows.at(-1);
    const following = isComplete ? block.next : this.#newBlock();
    if (isChanged) {
      for (const other of absorbed) this.#blocks.delete(other);
      const end = isComplete || last === undefined ? block.end : textsOfKey(target.relation.key, last.key);
      this.#save(target, name, rows, { next: following, end });
    }
    if (isComplete) return { comparison, isChanged, next: place(following, block.end) };
    if (following === undefined || last === undefined) throw new Error('a full page has a last row');
    this.#blocks.save(following, { ...comparison.rest, next: block.next, end: block.end });
    return { comparison, isChanged, next: place(following, textsOfKey(target.relation.key, last.key)) };
  }

  /** Small neighbours become one, so that what was deleted costs no more looks. */
  async #load(name: string): Promise<{ block: Block; absorbed: string[] }> {
    let block = await this.#blocks.load(name);
    const absorbed: string[] = [];
    while (block.next !== undefined && block.keys.length + (await this.#blocks.size(block.next)) <= this.#most) {
      absorbed.push(block.next);
      const { keys, hashes, next, end } = await this.#blocks.load(block.next);
      block = { keys: [...block.keys, ...keys], hashes: block.hashes + hashes, next, end };
    }
    return { block, absorbed };
  }

  /** As one block, or as two where that is too much for one. */
  #save(
    { relation }: Target,
    name: string,
    rows: readonly ScannedRow[],
    { next, end }: Pick<Block, 'next' | 'end'>,
  ): void {
    const most = this.#most;
    const cut = rows.length > most + most / 2 ? Math.ceil(rows.length / 2) : rows.length;
    const [first, second] = [rows.slice(0, cut), rows.slice(cut)];
    if (second.length === 0) return this.#blocks.save(name, { ...toBlock(first), next, end });
    const middle = this.#newBlock();
    const boundary = first.at(-1)?.key ?? null;
    this.#blocks.save(name, { ...toBlock(first), next: middle, end: textsOfKey(relation.key, boundary) });
    this.#blocks.save(middle, { ...toBlock(second), next, end });
  }

  /** A page holds a block and as many new rows. */
  get #most(): number {
    return Math.max(1, Math.floor(this.#config.pageSize / 2));
  }

  #newBlock(): string {
    const { next } = this.#cursor;
    this.#cursor = { ...this.#cursor, next: next + 1 };
    return String(next);
  }

  async #rows(
    { relation, decode }: Target,
    after: readonly string[] | undefined,
    end: readonly string[] | undefined,
  ): Promise<readonly ScannedRow[]> {
    const conditions = end === undefined ? [] : [isUpTo(relation.key, end)];
    const page = { order: relation.key, after, conditions, limit: this.#config.pageSize };
    const rows = decode(await this.#read(({ run }) => readPage(run, relation, page)));
    return rows.map((row) => this.#scanned(relation, row));
  }

  /** @throws FatalError 'DATABASE_NULL' */
  #scanned({ key, name }: Relation, row: DatabaseRow): ScannedRow {
    const values = key.map((column) => row[column.name] ?? null);
    if (values.includes(null)) {
      const message = `${name} has rows whose ${key.map((column) => column.name).join(' or ')} is NULL, which tells them from no other: name another key`;
      throw new FatalError(message, { code: 'DATABASE_NULL', sourceId: this.#mode.sourceId });
    }
    const one = values.length === 1 ? (values[0] as DatabaseValue) : values;
    return { key: one, hash: hash('sha1', JSON.stringify(row), 'base64url').slice(0, HASH_LENGTH), row };
  }

  async #find({ run }: Session): Promise<Target | undefined> {
    const { client, sourceId } = this.#mode;
    const relation = await findRelation(client.engine, run, this.#config, sourceId);
    return relation === undefined ? undefined : { relation, decode: decoder(relation) };
  }

  /** @throws CursorError 'DATABASE_TYPE_CHANGED' when what is known is of other keys */
  #columns({ key, name }: Relation): [string, string][] {
    const columns = key.map((column): [string, string] => [column.name, column.type]);
    const before = this.#cursor.columns;
    if (before.length === 0 || String(before) === String(columns)) return columns;
    throw new CursorError(
      `what is known of ${name} goes by the key (${before.join(', ')}), which is (${columns.join(', ')}) now: ` +
        'give the source another id, or start without a cursor to read everything again',
      { code: 'DATABASE_TYPE_CHANGED', sourceId: this.#mode.sourceId },
    );
  }

  #read<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    const { client, clock, onRetry, context } = this.#mode;
    const { signal } = context;
    return retry(() => client.read(signal, work), { signal, clock, retryUnknown: false, onRetry });
  }
}

function place(block: string | undefined, after: readonly string[] | undefined): Place | undefined {
  return block === undefined ? undefined : { block, after };
}

function toBlock(rows: readonly ScannedRow[]): Pick<Block, 'keys' | 'hashes'> {
  return { keys: rows.map(({ key }) => key), hashes: rows.map(({ hash: of }) => of).join('') };
}

function textsOfKey(columns: readonly Column[], key: KeyValue): string[] {
  const values = columns.length === 1 ? [key] : (key as readonly DatabaseValue[]);
  return columns.map((column, at) => column.toText(values[at] as DatabaseValue));
}

/** Up to a key and with it, whether it is still there or not. */
function isUpTo(key: readonly Column[], end: readonly string[]): Condition {
  return (statement) => {
    const columns = key.map((column) => statement.column(column));
    const values = key.map((column, at) => statement.text(column, end[at] ?? ''));
    if (columns.length === 1) return `${columns[0]} <= ${values[0]}`;
    // The first condition is what an index answers where rows are not compared from one.
    const bound = `${columns[0]} <= ${statement.text(key[0] as Column, end[0] ?? '')}`;
    return `(${columns.join(', ')}) <= (${values.join(', ')}) and ${bound}`;
  };
}
