import type { Column, Row, Run } from './engine/engine.js';
import type { Relation } from './relation.js';

/** A statement that is put together: text, and the parameters in the order in which the database counts them. */
export class Statement {
  readonly parameters: unknown[] = [];
  readonly #relation: Relation;
  #isFromGiven = false;
  /** Where the numbered parameters of the host's query are. */
  readonly #isNumbered: boolean;

  constructor(relation: Relation) {
    this.#relation = relation;
    this.#isNumbered = relation.engine.name === 'postgres';
    if (this.#isNumbered) this.parameters.push(...relation.parameters);
  }

  /** What is read from, as `t`. Its parameters come first where they are numbered, else each time. */
  from(): string {
    if (!this.#isNumbered) this.parameters.push(...this.#relation.parameters);
    this.#isFromGiven = true;
    return `${this.#relation.from} as t`;
  }

  value(value: unknown): string {
    if (!this.#isFromGiven) throw new Error('a parameter before those of the query');
    this.parameters.push(value);
    return this.#relation.engine.dialect.parameter(this.parameters.length);
  }

  /** A value of a column, from its text. */
  text(column: Column, text: string): string {
    return column.compared(this.value(column.parameter(text)), text);
  }

  column({ name }: Column): string {
    return `t.${this.#relation.engine.dialect.quote(name)}`;
  }

  /** Every column under its own name. */
  columns(isQuick: boolean): string {
    const { quote } = this.#relation.engine.dialect;
    return this.#relation.columns
      .map((column) => {
        const { select } = (isQuick ? column.quickly : undefined) ?? column;
        return `${select(this.column(column))} as ${quote(column.name)}`;
      })
      .join(', ');
  }
}

/** Conditions that all hold. */
export type Condition = (statement: Statement) => string;

export interface Page {
  readonly order: readonly Column[];
  /** Text of the values of `order` after which it begins. */
  readonly after?: readonly string[] | undefined;
  readonly conditions: readonly Condition[];
  readonly limit: number;
}

/** One page of rows in order. */
export async function readPage(run: Run, relation: Relation, page: Page): Promise<readonly Row[]> {
  const { order, after, limit } = page;
  if (after === undefined || order.length === 1) return select(run, relation, page, [isAfter(order, after)]);
  if (relation.engine.comparesRows) return select(run, relation, page, [isAfter(order, after)]);
  // Such a database would read the whole index for a comparison of rows: one range after another instead, first the
  // rows that are equal in all columns but the last.
  const rows: Row[] = [];
  for (let equal = order.length - 1; equal >= 0 && rows.length < limit; equal -= 1) {
    const arm = isEqualThenAfter(order, after, equal);
    rows.push(...(await select(run, relation, { ...page, limit: limit - rows.length }, [arm])));
  }
  return rows;
}

async function select(
  run: Run,
  relation: Relation,
  page: Page,
  first: readonly (Condition | undefined)[],
): Promise<readonly Row[]> {
  const quick = relation.columns.filter((column) => column.quickly !== undefined);
  if (quick.length === 0 || slow.has(relation)) return selectWith(run, relation, page, first, false);
  try {
    const rows = await selectWith(run, relation, page, first, true);
    const isDoubtful = ({ name, quickly }: Column): boolean =>
      rows.some((row) => quickly?.isDoubtful(row[name]) === true);
    if (!quick.some(isDoubtful)) return rows;
  } catch (error) {
    // Some drivers refuse what others round.
    if ((error as { code?: unknown }).code !== 'ERR_OUT_OF_RANGE') throw error;
  }
  slow.add(relation);
  return selectWith(run, relation, page, first, false);
}

/** Where values were found that need more than the quick way. */
const slow = new WeakSet<Relation>();

function selectWith(
  run: Run,
  relation: Relation,
  page: Page,
  first: readonly (Condition | undefined)[],
  isQuick: boolean,
): Promise<readonly Row[]> {
  const statement = new Statement(relation);
  const head = `select ${statement.columns(isQuick)} from ${statement.from()}`;
  const conditions = [...first, ...page.conditions].flatMap((condition) => condition?.(statement) ?? []);
  const where = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
  const order = page.order.map((column) => statement.column(column)).join(', ');
  return run(`${head}${where} order by ${order} limit ${page.limit}`, statement.parameters);
}

function isAfter(order: readonly Column[], after: readonly string[] | undefined): Condition | undefined {
  if (after === undefined) return undefined;
  return (statement) => {
    const columns = order.map((column) => statement.column(column));
    const values = order.map((column, at) => statement.text(column, after[at] ?? ''));
    return columns.length === 1 ? `${columns[0]} > ${values[0]}` : `(${columns.join(', ')}) > (${values.join(', ')})`;
  };
}

function isEqualThenAfter(order: readonly Column[], after: readonly string[], equal: number): Condition {
  return (statement) =>
    order
      .slice(0, equal + 1)
      .map(
        (column, at) =>
          `${statement.column(column)} ${at < equal ? '=' : '>'} ${statement.text(column, after[at] ?? '')}`,
      )
      .join(' and ');
}
