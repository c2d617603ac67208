import type { Credential, Credentials } from './credentials.js';
import type { Links } from './payloads/links.js';
import type { LimitState } from './rate-limits.js';
import type { Repository } from './repository.js';
import type { Settings } from './settings.js';
import type { World } from './world.js';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that is understood: its route is known and its sender too. */
export interface ApiRequest {
  readonly method: string;
  readonly template: string;
  /** As asked for, without the query. */
  readonly path: string;
  /** Parts of the path, decoded. */
  readonly variables: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly body: unknown;
  readonly credential: Credential;
  readonly credentials: Credentials;
  /** Before this request was counted. */
  readonly limit: LimitState;
  /** The server's time in milliseconds. */
  readonly now: number;
  readonly links: Links;
  readonly world: World;
  readonly settings: Settings;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** As in GitHub's OpenAPI description: '/repos/{owner}/{repo}/issues'. */
  readonly template: string;
  /** What a fine-grained token or an installation must have been given. */
  readonly permission?: string;
  /** Query parameters that are served. Others that GitHub has are a violation here, rather than ignored. */
  readonly parameters: readonly string[];
  /** Costs nothing. */
  readonly isFree?: boolean;
  /** Answered to an app, which signs with its key. */
  readonly isForApps?: boolean;
  handle(request: ApiRequest, repository: Repository | undefined): Answer;
}

export const PAGING = ['per_page', 'page'];

const BY_NAME = '/repos/{owner}/{repo}';

/** A route below a repository, by its name or by its number. */
export function repositoryRoute(
  end: string,
  route: Pick<Route, 'permission' | 'parameters'> & {
    handle(request: ApiRequest, repository: Repository): Answer;
  },
): Route {
  return {
    method: 'GET',
    template: BY_NAME + end,
    ...route,
    handle(request, repository) {
      if (repository === undefined) throw notFound();
      return route.handle(request, repository);
    },
  };
}

/** An error answer. */
export class Refusal extends Error {
  readonly answer: Answer;

  constructor(status: number, message: string, more: { headers?: Record<string, string>; body?: object } = {}) {
    super(message);
    this.answer = { status, body: { message, ...more.body }, headers: more.headers ?? {} };
  }
}

export function notFound(message = 'Not Found'): Refusal {
  return new Refusal(404, message);
}

/** A record by its number or id, or 404. */
export function findOr404<T>(records: readonly T[], matches: (record: T) => boolean): T {
  const found = records.find(matches);
  if (found === undefined) throw notFound();
  return found;
}
