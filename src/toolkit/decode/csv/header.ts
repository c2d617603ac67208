/** Makes the record of a row. */
export type MakeRecord = (cells: readonly string[]) => unknown;

/**
 * The names of the columns: a column without a name is `column_<number>`, and one whose name was taken already gets
 * `_2`, `_3` … behind it, so that no column is lost.
 */
export function columnNames(cells: readonly string[]): string[] {
  /** Name to the number its next namesake gets. */
  const taken = new Map<string, number>();
  return cells.map((cell, index) => {
    const name = cell.trim() === '' ? `column_${index + 1}` : cell;
    let unique = name;
    let number = taken.get(name) ?? 2;
    for (; taken.has(unique); number += 1) unique = `${name}_${number}`;
    taken.set(name, number);
    if (unique !== name) taken.set(unique, 2);
    return unique;
  });
}

/** Objects of one shape, made in the same order each time. A column named `__proto__` is one like any other. */
export function recordMaker(names: readonly string[] | undefined): MakeRecord {
  if (names === undefined) return (cells) => cells;
  const isHostile = names.includes('__proto__');
  return (cells) => {
    const record: Record<string, string> = {};
    for (let index = 0; index < names.length; index += 1) {
      const name = names[index] as string;
      if (isHostile && name === '__proto__') define(record, name, cells[index] as string);
      else record[name] = cells[index] as string;
    }
    return record;
  };
}

function define(record: object, name: string, value: string): void {
  Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
}
