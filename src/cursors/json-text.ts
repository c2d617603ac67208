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
