import { instant } from '../engine/postgres.js';
import { bytesOfHex, type DatabaseValue, finite } from '../engine/values.js';
import { configError } from '../failure.js';
import type { DatabaseRow } from '../rows.js';
import type { CapturedTable } from './captured.js';
import type { SentRelation, SentValue } from './pgoutput.js';

const HEX_PREFIX = 2;

/** By their numbers in `pg_type`, which are the same on every server; every other type stands as its text. */
const DECODERS: ReadonlyMap<number, (text: string) => DatabaseValue> = new Map<number, (text: string) => DatabaseValue>(
  [
    [16, (text) => text === 't'],
    [17, (text) => bytesOfHex(text.slice(HEX_PREFIX))],
    [21, Number],
    [23, Number],
    [700, (text) => finite(Number(text))],
    [701, (text) => finite(Number(text))],
    [1184, instant],
  ],
);

/** Types that are no part of the catalogue as it is delivered. */
export const FIRST_OWN_TYPE = 16_384;

/** A captured table with the columns that the changes that follow have. */
export class SentTable {
  readonly captured: CapturedTable;
  readonly #names: readonly string[];
  readonly #decoders: readonly (((text: string) => DatabaseValue) | undefined)[];
  readonly #keys: readonly number[];
  readonly #keyNames: readonly string[];
  /** Which columns belong to the replica identity. */
  readonly #isIdentity: readonly boolean[];

  /** @throws ConfigError when the key is no longer among the columns */
  constructor(
    captured: CapturedTable,
    { columns }: SentRelation,
    domains: ReadonlyMap<number, number>,
    sourceId: string,
  ) {
    this.captured = captured;
    this.#names = columns.map(({ name }) => name);
    this.#decoders = columns.map(({ type }) => DECODERS.get(domains.get(type) ?? type));
    this.#isIdentity = columns.map(({ isKey }) => isKey);
    this.#keyNames = captured.relation.key.map(({ name }) => name);
    this.#keys = this.#keyNames.map((name) => this.#names.indexOf(name));
    const missing = this.#keyNames.find((_, at) => (this.#keys[at] ?? -1) < 0);
    if (missing !== undefined) {
      throw configError(
        sourceId,
        'DATABASE_KEY',
        `the column ${missing} of the key of ${captured.name} is no longer sent`,
        'start a new source with the key that the table has now',
      );
    }
    if (this.#names.includes('__proto__')) {
      throw configError(
        sourceId,
        'DATABASE_COLUMN',
        `a column of ${captured.name} is called __proto__, which JavaScript cannot hold`,
        'publish the table without it',
      );
    }
  }

  /** Whether a row that is gone is sent with its key. */
  get hasKeyOfOld(): boolean {
    return this.#keys.every((at) => this.#isIdentity[at] === true);
  }

  /** What was not sent is left out, or taken from what it was. */
  row(values: readonly SentValue[], before?: readonly SentValue[]): DatabaseRow {
    const row: DatabaseRow = {};
    for (let at = 0; at < values.length; at += 1) {
      const value = values[at] === undefined ? before?.[at] : values[at];
      if (value !== undefined) row[this.#names[at] as string] = this.#decode(at, value);
    }
    return row;
  }

  unchanged(values: readonly SentValue[], before?: readonly SentValue[]): string[] | undefined {
    if (!values.includes(undefined)) return undefined;
    const names = this.#names.filter((_, at) => values[at] === undefined && before?.[at] === undefined);
    return names.length === 0 ? undefined : names;
  }

  key(values: readonly SentValue[], before?: readonly SentValue[]): DatabaseRow {
    const key: DatabaseRow = {};
    for (let at = 0; at < this.#keys.length; at += 1) {
      const column = this.#keys[at] as number;
      const value = values[column] === undefined ? before?.[column] : values[column];
      key[this.#keyNames[at] as string] = this.#decode(column, value ?? null);
    }
    return key;
  }

  /** The values of the key as the database writes them. */
  keyTexts(values: readonly SentValue[], before?: readonly SentValue[]): string[] {
    return this.#keys.map((at) => values[at] ?? before?.[at] ?? '');
  }

  isSameKey(one: readonly SentValue[], other: readonly SentValue[]): boolean {
    return this.#keys.every((at) => one[at] === undefined || one[at] === other[at]);
  }

  #decode(at: number, value: string | null): DatabaseValue {
    if (value === null) return null;
    const decode = this.#decoders[at];
    return decode === undefined ? value : decode(value);
  }
}
