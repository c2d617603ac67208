import type { Column, Row } from './engine/engine.js';
import type { DatabaseValue } from './engine/values.js';
import type { Relation } from './relation.js';

/** A row as it stands in events. */
export type DatabaseRow = Record<string, DatabaseValue>;

/** Turns what the driver gave into what events hold, in place: the rows are ours. */
export function decoder({ columns }: Relation): (rows: readonly Row[]) => readonly DatabaseRow[] {
  const decoded = columns.filter((column) => column.decode !== undefined);
  const names = decoded.map(({ name }) => name);
  const decodes = decoded.map(({ decode }) => decode as NonNullable<Column['decode']>);
  return (rows) => {
    for (const row of rows) {
      for (let at = 0; at < names.length; at += 1) {
        const name = names[at] as string;
        const value = row[name];
        if (value === null) continue;
        const decoded = (decodes[at] as NonNullable<Column['decode']>)(value);
        // Most are what they should be, and writing costs more than looking.
        if (decoded !== value) row[name] = decoded;
      }
    }
    return rows as readonly DatabaseRow[];
  };
}

/** The texts of some columns of a row, of which a position is made. */
export function textsOf(columns: readonly Column[], row: DatabaseRow): string[] {
  return columns.map((column) => column.toText(row[column.name] ?? null));
}

/** Gives the columns that tell a row apart, with their values. */
export function keysOf(key: readonly Column[]): (row: DatabaseRow) => DatabaseRow {
  const names = key.map(({ name }) => name);
  const none: DatabaseRow = Object.fromEntries(names.map((name) => [name, null]));
  return (row) => {
    // A copy has its shape from the beginning.
    const values = { ...none };
    for (const name of names) values[name] = row[name] ?? null;
    return values;
  };
}

/** A key as one text; several columns as JSON, so that no two keys make the same. */
export function keyText(key: readonly Column[], row: DatabaseRow): string {
  const [first] = key;
  if (key.length === 1 && first !== undefined) return plain(row[first.name] ?? null);
  return JSON.stringify(key.map(({ name }) => plain(row[name] ?? null)));
}

/** A value as text within an id. */
export function plain(value: DatabaseValue): string {
  return typeof value === 'object' && value !== null ? value.data_base64 : String(value);
}
