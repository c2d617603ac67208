const DEEPEST = 200;

/**
 * What of a value would be lost or changed by JSON, with its place: `NaN`, a bigint, a `Date`, a `Map`, a secret.
 * `undefined` where it comes back as it went in; `undefined` members are left out. It never shows the value.
 *
 * @param what the name of the value, with which places begin
 */
export function jsonProblem(value: unknown, what: string): string | undefined {
  return problemOf(value, what, 0);
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
