import type { Clock } from '../../../core/clock.js';
import { CursorError, FatalError } from '../../../core/errors.js';
import type { Logger } from '../../../core/logger.js';
import { retry } from '../../../toolkit/retry.js';
import type { KeysetConfig } from '../config.js';
import type { KeysetCursor } from '../cursor.js';
import type { DatabaseClient } from '../database-client.js';
import type { Column, Session } from '../engine/engine.js';
import { findRelation, type Keyset, toKeyset } from '../relation.js';
import { type DatabaseRow, decoder, textsOf } from '../rows.js';
import { type Condition, readPage, Statement } from '../statement.js';
import { type Commits, chooseCommits, roundCondition, targetOf } from './commits.js';
import { missingBetween, without } from './missing.js';
import { quietQuestion } from './quiet.js';

export interface KeysetReaderOptions {
  readonly sourceId: string;
  readonly client: DatabaseClient;
  readonly config: KeysetConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly cursor: KeysetCursor | undefined;
  readonly memory: KeysetMemory;
  readonly onRetry: () => void;
}

/** What was read together, and the position after each of it. */
export interface KeysetStep {
  readonly keyset: Keyset;
  readonly rows: readonly DatabaseRow[];
  readonly cursor: KeysetCursor;
  cursorAt(count: number): KeysetCursor;
  /** Set where the position no longer means anything: nothing was read then, and it starts over. */
  readonly lost?: { readonly from: string; readonly to: string } | undefined;
}

/** How long what the catalogue said is taken for true. */
const CATALOGUE_MS = 60_000;
/** Pages that are read in one session, which costs three statements besides. */
const PAGES_AT_ONCE = 4;
/** Numbers left out that are looked for at once; while there are more, nothing further is read. */
const MOST_MISSING = 1_000;

/** What the catalogue said, kept by the source from one iteration to the next. */
export interface KeysetMemory {
  known?: Known | undefined;
}

interface Known {
  readonly keyset: Keyset;
  readonly commits: Commits;
  readonly decode: ReturnType<typeof decoder>;
  readonly at: number;
}

/** Reads rounds of pages; goes on where it is, whoever has acknowledged what. */
export class KeysetReader {
  readonly #options: KeysetReaderOptions;
  #cursor: KeysetCursor | undefined;

  constructor(options: KeysetReaderOptions) {
    this.#options = options;
    this.#cursor = options.cursor;
  }

  /** What is new, once; a round that was broken off ends where it was meant to, and there is more behind it. */
  async *round(): AsyncGenerator<KeysetStep, void, undefined> {
    const quiet = await this.#quiet();
    if (quiet !== undefined) {
      if (quiet.cursor === this.#cursor) return;
      this.#cursor = quiet.cursor;
      yield quiet;
      return;
    }
    const isResumed = this.#cursor?.to !== undefined;
    yield* this.#pages();
    if (isResumed) yield* this.#pages();
  }

  async *#pages(): AsyncGenerator<KeysetStep, void, undefined> {
    for (let turn: Turn = { isOver: false }; !turn.isOver; ) {
      const { steps, next } = await this.#read(turn);
      turn = next;
      for (const step of steps) {
        this.#cursor = step.cursor;
        yield step;
      }
    }
  }

  /** A round with nothing in it, where one statement can tell; undefined where it takes a whole one. */
  async #quiet(): Promise<KeysetStep | undefined> {
    const { client, signal, clock, onRetry } = this.#options;
    const known = this.#fresh();
    const before = this.#cursor;
    if (known === undefined || before === undefined) return undefined;
    const question = quietQuestion(known, this.#check(known.keyset, before));
    if (question === undefined) return undefined;
    const ask = () => client.ask(signal, question.text, question.parameters);
    const cursor = question.answer(await retry(ask, { signal, clock, retryUnknown: false, onRetry }));
    return cursor === undefined ? undefined : { keyset: known.keyset, rows: [], cursor, cursorAt: () => cursor };
  }

  #read(turn: Turn): Promise<Answer> {
    const { client, signal, clock, onRetry } = this.#options;
    const read = (): Promise<Answer> => client.read(signal, (session) => this.#answer(session, turn));
    return retry(read, { signal, clock, retryUnknown: false, onRetry });
  }

  async #answer(session: Session, turn: Turn): Promise<Answer> {
    const known = await this.#look(session);
    if (known === undefined) return { steps: [], next: OVER };
    let cursor = this.#check(known.keyset, this.#cursor, session.server);
    if (cursor.server !== session.server) return this.#startOver(known.keyset, cursor, session);
    // The first page of a round by itself: it is what a reader waits for.
    const most = turn.isChecked === true ? PAGES_AT_ONCE : 1;
    const steps: KeysetStep[] = [];
    for (let next = turn; ; ) {
      const { step, next: after } = await new KeysetTurn(this.#options, known, session, cursor).read(next);
      if (step !== undefined) steps.push(step);
      if (after.isOver || steps.length >= most) return { steps, next: after };
      cursor = step?.cursor ?? cursor;
      next = after;
    }
  }

  #fresh(): Known | undefined {
    const { clock, memory } = this.#options;
    return memory.known !== undefined && clock.now() - memory.known.at < CATALOGUE_MS ? memory.known : undefined;
  }

  /** The catalogue, now and then: what changes under way must not go unnoticed. */
  async #look(session: Session): Promise<Known | undefined> {
    const { client, config, sourceId, clock, memory } = this.#options;
    const fresh = this.#fresh();
    if (fresh !== undefined) return fresh;
    const relation = await findRelation(client.engine, session.run, config, sourceId);
    if (relation === undefined) return undefined;
    const keyset = toKeyset(relation, config, sourceId);
    const commits = chooseCommits(keyset, config, sourceId);
    memory.known = { keyset, commits, decode: decoder(relation), at: clock.now() };
    return memory.known;
  }

  /** @throws CursorError when the position is one in other columns */
  #check({ order, name }: Keyset, cursor: KeysetCursor | undefined, server?: string): KeysetCursor {
    const columns = order.map((column): [string, string] => [column.name, column.type]);
    if (cursor === undefined) return { mode: 'keyset', columns, ...(server !== undefined && { server }) };
    const before = cursor.columns;
    if (String(before) === String(columns)) return cursor;
    const told = (each: readonly (readonly string[])[]): string => each.map((pair) => pair.join(' ')).join(', ');
    throw new CursorError(
      `the position is one in (${told(before)}) of ${name}, which is ordered by (${told(columns)}) now: ` +
        'give the source another id, or start without a cursor to read everything again',
      { code: 'DATABASE_TYPE_CHANGED', sourceId: this.#options.sourceId },
    );
  }

  #startOver(keyset: Keyset, { server: from = '', columns }: KeysetCursor, { server: to = '' }: Session): Answer {
    const cursor: KeysetCursor = { mode: 'keyset', server: to, columns };
    const step: KeysetStep = { keyset, rows: [], cursor, cursorAt: () => cursor, lost: { from, to } };
    return { steps: [step], next: { isOver: false } };
  }
}

/** How far a round is. */
interface Turn {
  readonly isOver: boolean;
  /** What was missing has been looked for. */
  readonly isSearched?: boolean | undefined;
  /** Nobody has a NULL where there must be none. */
  readonly isChecked?: boolean | undefined;
}

/** What one session read. */
interface Answer {
  readonly steps: readonly KeysetStep[];
  readonly next: Turn;
}

interface PageAnswer {
  readonly step?: KeysetStep | undefined;
  readonly next: Turn;
}

const OVER: Turn = { isOver: true };

/** One page, within one session. */
class KeysetTurn {
  readonly #options: KeysetReaderOptions;
  readonly #keyset: Keyset;
  readonly #commits: Commits;
  readonly #decode: Known['decode'];
  readonly #session: Session;
  readonly #cursor: KeysetCursor;

  constructor(
    options: KeysetReaderOptions,
    { keyset, commits, decode }: Known,
    session: Session,
    cursor: KeysetCursor,
  ) {
    this.#options = options;
    this.#keyset = keyset;
    this.#commits = commits;
    this.#decode = decode;
    this.#session = session;
    this.#cursor = cursor;
  }

  async read(turn: Turn): Promise<PageAnswer> {
    const { snapshot = '' } = this.#session;
    const cursor = this.#cursor;
    const isByTransactions = this.#commits.kind === 'transactions' || this.#commits.kind === 'row-versions';
    const to = cursor.to ?? (isByTransactions ? await targetOf(this.#commits, this.#session, cursor.from) : undefined);
    if (isByTransactions && to === undefined) return { next: OVER };
    const round =
      to === undefined ? undefined : roundCondition(this.#commits, { from: cursor.from, to, now: snapshot });
    if (turn.isChecked !== true) await this.#refuseNulls(round);
    const checked = { ...turn, isChecked: true };
    if (cursor.missing !== undefined && turn.isSearched !== true) return this.#search(cursor.missing, checked);
    const within = to === undefined ? cursor : { ...cursor, to };
    if (this.#readsNulls && cursor.nullsDone !== true) return this.#nulls(within, round, checked);
    return this.#rows(within, round, checked);
  }

  get #readsNulls(): boolean {
    return this.#options.config.nulls === 'first' && this.#keyset.cursor?.isNullable === true;
  }

  async #rows(before: KeysetCursor, round: Condition | undefined, turn: Turn): Promise<PageAnswer> {
    const { order, cursor } = this.#keyset;
    const conditions = [cursor?.isNullable === true ? isNull(cursor, false) : undefined, round, this.#lag()];
    if (this.#isHeldBack(before)) return { next: OVER };
    const rows = await this.#page(order, before.after, conditions);
    const isLast = rows.length < this.#options.config.pageSize;
    const positionAt = (count: number): KeysetCursor => this.#after(before, rows, count);
    const all = rows.length === 0 ? before : positionAt(rows.length);
    const end = isLast ? this.#endOfRound(all) : all;
    if (rows.length === 0 && end === this.#cursor) return { next: OVER };
    return { step: this.#step(rows, end, positionAt), next: { ...turn, isOver: isLast } };
  }

  /** Rows without a value to go by, in the order of their key. */
  async #nulls(before: KeysetCursor, round: Condition | undefined, turn: Turn): Promise<PageAnswer> {
    const { key, cursor } = this.#keyset;
    const conditions = [cursor === undefined ? undefined : isNull(cursor, true), round];
    const rows = await this.#page(key, before.afterNull, conditions);
    const positionAt = (count: number): KeysetCursor => {
      const row = rows[count - 1];
      return row === undefined ? before : { ...before, afterNull: textsOf(key, row) };
    };
    const isLast = rows.length < this.#options.config.pageSize;
    const { afterNull: _, ...done } = before;
    const end: KeysetCursor = isLast ? { ...done, nullsDone: true } : positionAt(rows.length);
    return { step: this.#step(rows, end, positionAt), next: turn };
  }

  /** The numbers that were left out: some are there now, and some have been waited for long enough. */
  async #search(missing: NonNullable<KeysetCursor['missing']>, turn: Turn): Promise<PageAnswer> {
    const now = this.#options.clock.now();
    const [column] = this.#keyset.order as [Column];
    const isWithin: Condition = (statement) =>
      `(${missing.map(([from, to]) => `${statement.column(column)} between ${statement.text(column, from)} and ${statement.text(column, to)}`).join(' or ')})`;
    const rows = await this.#page([column], undefined, [isWithin]);
    const numbers = rows.map((row) => column.toText(row[column.name] ?? null));
    const positionAt = (count: number): KeysetCursor =>
      withMissing(this.#cursor, without(missing, numbers.slice(0, count)));
    const isLast = rows.length < this.#options.config.pageSize;
    const left = without(missing, numbers);
    const watchMs = this.#commits.kind === 'watch' ? this.#commits.watchMs : 0;
    const end = withMissing(this.#cursor, isLast ? left.filter(([, , at]) => at + watchMs > now) : left);
    const next = { ...turn, isSearched: isLast };
    if (rows.length === 0 && end.missing?.length === missing.length) return { next };
    return { step: this.#step(rows, end, positionAt), next };
  }

  #step(rows: readonly DatabaseRow[], cursor: KeysetCursor, cursorAt: (count: number) => KeysetCursor): KeysetStep {
    return { keyset: this.#keyset, rows, cursor, cursorAt };
  }

  #after(before: KeysetCursor, rows: readonly DatabaseRow[], count: number): KeysetCursor {
    const { order } = this.#keyset;
    const row = rows[count - 1];
    if (row === undefined) return before;
    const after = textsOf(order, row);
    if (this.#commits.kind !== 'watch') return { ...before, after };
    const [column] = order as [Column];
    const numbers = rows.slice(0, count).map((each) => column.toText(each[column.name] ?? null));
    const found = missingBetween(before.after?.[0], numbers, this.#options.clock.now());
    return { ...withMissing(before, [...(before.missing ?? []), ...found]), after };
  }

  /** A round by transactions is told by its end alone; the others go on from their last row. */
  #endOfRound(cursor: KeysetCursor): KeysetCursor {
    const { to, after, nullsDone, afterNull: _, ...rest } = cursor;
    if (to !== undefined) return { ...rest, from: to };
    if (this.#commits.kind !== 'watch' || cursor.loaded === true || after === undefined) return cursor;
    // What is old was deleted, most of it: the newest is what may still be on its way.
    return { ...withMissing(cursor, (cursor.missing ?? []).slice(-MOST_MISSING)), loaded: true };
  }

  #isHeldBack({ loaded, missing = [] }: KeysetCursor): boolean {
    if (loaded !== true || missing.length < MOST_MISSING) return false;
    this.#options.logger.warn({ missing: missing.length }, 'too many numbers are left out: waiting for them first');
    return true;
  }

  #lag(): Condition | undefined {
    if (this.#commits.kind !== 'lag') return undefined;
    const { lagMs } = this.#commits;
    const [column] = this.#keyset.order as [Column];
    const bound = this.#keyset.engine.ago?.(column, lagMs);
    return (statement) => `${statement.column(column)} <= ${bound}`;
  }

  async #page(
    order: readonly Column[],
    after: readonly string[] | undefined,
    conditions: readonly (Condition | undefined)[],
  ): Promise<readonly DatabaseRow[]> {
    const given = conditions.filter((condition) => condition !== undefined);
    const page = { order, after, conditions: given, limit: this.#options.config.pageSize };
    return this.#decode(await readPage(this.#session.run, this.#keyset, page));
  }

  /** @throws FatalError 'DATABASE_NULL': what has no position would never be seen, or seen at every look */
  async #refuseNulls(round: Condition | undefined): Promise<void> {
    const { key, cursor, name } = this.#keyset;
    const isAllowed = this.#options.config.nulls !== 'error';
    const columns = [...new Set([...key, ...(cursor === undefined || isAllowed ? [] : [cursor])])].filter(
      (column) => column.isNullable,
    );
    if (columns.length === 0) return;
    const statement = new Statement(this.#keyset);
    const from = statement.from();
    const isAnyNull = columns.map((column) => `${statement.column(column)} is null`).join(' or ');
    const isWithin = round === undefined || columns.includes(cursor as Column) ? '' : ` and ${round(statement)}`;
    const [found] = await this.#session.run(
      `select 1 as one from ${from} where (${isAnyNull})${isWithin} limit 1`,
      statement.parameters,
    );
    if (found === undefined) return;
    const names = columns.map((column) => column.name).join(' or ');
    throw new FatalError(
      `${name} has rows whose ${names} is NULL, which have no place in the order: fill it in, or say what becomes of them ` +
        "(nulls: 'skip' or 'first'; key columns must have a value)",
      { code: 'DATABASE_NULL', sourceId: this.#options.sourceId },
    );
  }
}

function isNull(column: Column, holds: boolean): Condition {
  return (statement) => `${statement.column(column)} is ${holds ? '' : 'not '}null`;
}

function withMissing(cursor: KeysetCursor, missing: NonNullable<KeysetCursor['missing']>): KeysetCursor {
  const { missing: _, ...rest } = cursor;
  return missing.length === 0 ? rest : { ...rest, missing };
}
