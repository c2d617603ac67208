import { CursorError } from '../core/errors.js';
import { jsonProblem } from '../toolkit/json-problem.js';

/**
 * The text of a value that comes back from JSON as it went in; `undefined` members are left out.
 * @throws CursorError 'CURSOR_NOT_JSON' naming the place of what JSON would lose or change: `NaN`, a bigint, a `Date`,
 *   a `Map`, a secret. It never shows the value.
 */
export function toJsonText(value: unknown, what: string, sourceId: string): string {
  const problem = jsonProblem(value, what);
  if (problem === undefined) return JSON.stringify(value);
  throw new CursorError(`${problem} (source "${sourceId}"): save it as a string or as plain data`, {
    code: 'CURSOR_NOT_JSON',
    sourceId,
  });
}

/** @throws CursorError 'CURSOR_CORRUPT' */
export function parseJsonText(text: unknown, sourceId: string): unknown {
  try {
    return JSON.parse(String(text));
  } catch (error) {
    const message =
      `what is stored for "${sourceId}" is not JSON: somebody changed it. Restore an earlier record (history), or ` +
      'delete it to begin again';
    throw new CursorError(message, { code: 'CURSOR_CORRUPT', sourceId, cause: error });
  }
}
