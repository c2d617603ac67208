import type { OpenApi, QueryParameter } from './open-api.js';
import { MOST_PER_PAGE } from './pagination.js';
import type { Route } from './route.js';
import type { Schema } from './schema-check.js';

const JSON_TYPES = /^(\*\/\*|application\/json|application\/vnd\.github(\.v3|\.star)?\+json)$/;
const API_VERSIONS = ['2022-11-28', '2026-03-10'];
const CURSORS = ['after', 'before'];

export interface CheckedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
  readonly route: Route | undefined;
}

/** Whether the answer can be JSON as this server sends it. */
export function isAcceptable(accept: string): boolean {
  return accept.split(',').some((type) => JSON_TYPES.test((type.split(';')[0] ?? '').trim()));
}

export function isKnownApiVersion(version: string | undefined): boolean {
  return version === undefined || API_VERSIONS.includes(version);
}

/**
 * Everything in a request that GitHub's documentation does not cover, also where GitHub would answer without a word.
 * `handedOut` are the page URLs that this server sent: others are made up, which GitHub asks clients not to do.
 */
export function requestProblems(request: CheckedRequest, api: OpenApi, handedOut: ReadonlySet<string>): string[] {
  const { method, url, headers, route } = request;
  const problems: string[] = [];
  if (!headers['user-agent']) problems.push('has no User-Agent');
  if (!isAcceptable(String(headers['accept'] ?? '*/*'))) problems.push(`accepts only ${headers['accept']}`);
  const version = headers['x-github-api-version'];
  if (!isKnownApiVersion(version?.toString())) problems.push(`asks for the unknown API version ${version}`);
  if (url.pathname !== '/' && url.pathname.endsWith('/')) problems.push('has a slash at its end');
  else if (route === undefined) problems.push('is no request that this server knows');
  else problems.push(...queryProblems(request, route, api, handedOut), ...bodyProblems(request, route, api));
  return problems.map((problem) => `${method} ${url.pathname}${url.search} ${problem}`);
}

function queryProblems(
  { method, url }: CheckedRequest,
  route: Route,
  api: OpenApi,
  handedOut: ReadonlySet<string>,
): string[] {
  const documented = api.queryParameters(method, route.template) ?? [];
  const problems: string[] = [];
  const isPage = Number(url.searchParams.get('page')) > 1 || CURSORS.some((name) => url.searchParams.has(name));
  const isHandedOut = handedOut.has(url.pathname + url.search);
  if (isPage && !isHandedOut) problems.push('asks for a page whose URL was made up: follow the Link header');
  for (const [name, value] of url.searchParams) {
    if (CURSORS.includes(name) && isHandedOut) continue;
    const parameter = documented.find((other) => other.name === name);
    if (parameter === undefined) problems.push(`has the unknown parameter ${name}`);
    else if (!route.parameters.includes(name)) problems.push(`has the parameter ${name}, which is not served here`);
    else if (!isValid(parameter, value)) problems.push(`has ${name}=${value}, which is out of range`);
  }
  return problems;
}

function bodyProblems({ method, body }: CheckedRequest, route: Route, api: OpenApi): string[] {
  if (body === undefined) return [];
  if (method === 'GET') return ['has a body'];
  const problem = api.requestProblem(method, route.template, body);
  return problem === undefined ? [] : [`has a body that is not right: ${problem}`];
}

function isValid({ name, schema }: QueryParameter, value: string): boolean {
  if (name === 'per_page') return isInteger(value) && Number(value) >= 1 && Number(value) <= MOST_PER_PAGE;
  if (name === 'page') return isInteger(value) && Number(value) >= 1;
  // A range of dates in the syntax of searches, although the description calls it a time.
  if (name === 'created') return value !== '';
  return isOfType(schema, value);
}

function isOfType(schema: Schema, value: string): boolean {
  if (schema.enum !== undefined) return schema.enum.includes(value);
  if (schema.type === 'integer') return isInteger(value);
  if (schema.type === 'boolean') return value === 'true' || value === 'false';
  if (schema.format === 'date-time') return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value);
  return value !== '';
}

function isInteger(value: string): boolean {
  return /^\d+$/.test(value);
}
