import { CursorError } from '../core/errors.js';

const DEEPEST = 200;

/**
 * The text of a value that comes back from JSON as it went in; `undefined` members are left out.
 * @throws CursorError 'CURSOR_NOT_JSON' naming the place of what JSON would lose or change: `NaN`, a bigint, a `Date`,
 *   a `Map`, a secret. It never shows the value.
 */
export function toJsonText(value: unknown, what: string, sourceId: string): string {
  const problem = problemOf(value, what, 0);
  if (problem === undefined) return JSON.stringify(value);
  throw new CursorError(`${problem} (source "${sourceId}"): save it as a string or as plain data`, {
    code: 'CURSOR_NOT_JSON',
    sourceId,
  });
}

function problemOf(value: unknown, path: string, depth: number): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${path} is ${value}, which is not JSON`;
  if (typeof value !== 'object') return `${path} is of type ${typeof value}, which is not JSON`;
  if (depth === DEEPEST) return `${path} is nested too deeply, or contains itself`;
  if (Array.isArray(value)) return firstProblem(value.entries(), path, depth);
  if (!isPlain(value)) return `${path} is an instance of a class, which is not JSON`;
  return firstProblem(Object.entries(value).filter(isPresent), path, depth);
}

function firstProblem(members: Iterable<[string | number, unknown]>, path: string, depth: number): string | undefined {
  for (const [key, member] of members) {
    const problem = problemOf(member, `${path}[${JSON.stringify(key)}]`, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function isPresent([, member]: [string, unknown]): boolean {
  return member !== undefined;
}

/** Also for objects of another realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
