/** Characters of JSON in one statement: below what MySQL takes in a packet by default, and little to hold. */
const CHUNK_CHARACTERS = 1_000_000;

/** Rows as JSON arrays for `SqlDialect.insertRows`, as many together as fit one statement. */
export function* toRowChunks(rows: Iterable<readonly (string | null)[]>): Generator<string> {
  let parts: string[] = [];
  let characters = 0;
  for (const row of rows) {
    const text = JSON.stringify(row);
    if (characters > 0 && characters + text.length > CHUNK_CHARACTERS) {
      yield `[${parts.join(',')}]`;
      parts = [];
      characters = 0;
    }
    parts.push(text);
    characters += text.length + 1;
  }
  if (parts.length > 0) yield `[${parts.join(',')}]`;
}
