import { compileEndpointGlobs } from './endpoint-glob.js';
import type { HttpRequest } from './http-request.js';

/** A status: 404, a class '5xx', or a range '400-499'. */
export type StatusFilter = number | string;

export interface RequestFilter {
  status?: StatusFilter | readonly StatusFilter[] | undefined;
  endpoint?: string | readonly string[] | undefined;
  method?: string | readonly string[] | undefined;
  minDurationMs?: number | undefined;
}

type Test = (request: HttpRequest) => boolean;

/** Whether a request passes all that is given. What the log does not tell of passes no filter that asks for it. */
export function compileFilter({ status, endpoint, method, minDurationMs }: RequestFilter): Test {
  const tests: Test[] = [];
  if (status !== undefined) tests.push(byStatus(listOf(status)));
  if (method !== undefined) tests.push(byMethod(listOf(method)));
  if (minDurationMs !== undefined)
    tests.push(({ durationMs }) => durationMs !== undefined && durationMs >= minDurationMs);
  if (endpoint !== undefined) tests.push(byEndpoint(listOf(endpoint)));
  return (request) => tests.every((test) => test(request));
}

function byStatus(filters: readonly StatusFilter[]): Test {
  const ranges = filters.map(statusRange);
  return ({ status }) => status !== undefined && ranges.some(([from, to]) => status >= from && status <= to);
}

function byMethod(methods: readonly string[]): Test {
  const wanted = new Set(methods.map((method) => method.toUpperCase()));
  return ({ method }) => method !== undefined && wanted.has(method.toUpperCase());
}

function byEndpoint(globs: readonly string[]): Test {
  const matches = compileEndpointGlobs(globs);
  return ({ path }) => path !== undefined && matches(path);
}

/** '5xx' -> [500, 599] */
function statusRange(filter: StatusFilter): readonly [from: number, to: number] {
  if (typeof filter === 'number') return [filter, filter];
  const [from = '', to = from] = filter.split('-');
  return [Number(from.replaceAll('x', '0')), Number(to.replaceAll('x', '9'))];
}

function listOf<Value>(value: Value | readonly Value[]): readonly Value[] {
  return Array.isArray(value) ? value : [value as Value];
}
