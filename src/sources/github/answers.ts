import {
  AuthenticationError,
  FatalError,
  NotFoundError,
  PermissionError,
  RateLimitedError,
  RetryableError,
} from '../../core/errors.js';
import type { HttpResponse } from '../../toolkit/http/http-response.js';
import { waitAsked } from '../../toolkit/http/rate-headers.js';
import { type Classified, said } from '../../toolkit/http/status-error.js';

/** What a limit that names no time asks for at least; then twice as long each time. */
const LIMIT_WAIT_MS = 60_000;

/**
 * What an answer of GitHub means, where its status alone does not tell.
 *
 * @see https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
 * @see https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
 */
export function classify(response: HttpResponse, attempt: number, now: number): Classified {
  switch (response.status) {
    case 200:
    case 201:
      return unreadable(response);
    case 401:
      return new AuthenticationError(
        said(response, 'The token is wrong, has expired or was revoked: make a new one, and pass it as credentials'),
      );
    case 403:
    case 429:
      return limit(response, attempt, now) ?? (response.status === 403 ? forbidden(response) : undefined);
    case 404:
      return new NotFoundError(
        said(response, 'It does not exist, or these credentials may not see it: check the name, then the permissions'),
      );
    default:
      return undefined;
  }
}

/** JSON that ends in the middle may come whole the next time; a page for people never becomes JSON. */
function unreadable(response: HttpResponse): Classified {
  try {
    response.json();
    return undefined;
  } catch (error) {
    if (!/json/i.test(response.headers['content-type'] ?? '')) return error as FatalError;
    return new RetryableError(`${response.label} answered with JSON that is cut off. It may pass: try again later`, {
      code: 'GITHUB_ANSWER',
    });
  }
}

function limit(response: HttpResponse, attempt: number, now: number): RateLimitedError | undefined {
  const asked = waitAsked(response.headers, now);
  const isSecondary = /secondary rate limit|abuse detection/i.test(response.detail());
  if (asked === undefined && !isSecondary && response.status !== 429) return undefined;
  return new RateLimitedError(
    said(response, 'GitHub asks to wait; with a GitHub App or a token of its own this source has a limit of its own'),
    { retryAfterMs: asked ?? LIMIT_WAIT_MS * 2 ** (attempt - 1) },
  );
}

function forbidden(response: HttpResponse): PermissionError {
  const sso = response.headers['x-github-sso'];
  if (sso !== undefined) {
    const url = /url=(\S+)/.exec(sso)?.[1];
    const advice = `Authorise the token for single sign-on${url === undefined ? '' : `: ${url}`}`;
    return new PermissionError(said(response, advice), { code: 'GITHUB_SSO' });
  }
  const wanted = response.headers['x-accepted-github-permissions'] ?? response.headers['x-accepted-oauth-scopes'];
  const advice = wanted ? `Give the credentials one of: ${wanted}` : 'Check what the credentials are allowed to do';
  return new PermissionError(said(response, advice));
}

/** The items of a page; some endpoints wrap them in an object, some answer 204 instead of []. */
export function itemsOf(response: HttpResponse, wrappedIn?: string): readonly unknown[] {
  if (response.status !== 200) return [];
  const body = response.json();
  const items = wrappedIn === undefined ? body : (body as Readonly<Record<string, unknown>> | null)?.[wrappedIn];
  if (Array.isArray(items)) return items;
  throw unexpectedAnswer(response.label, 'is no list');
}

export function unexpectedAnswer(label: string, how: string): FatalError {
  return new FatalError(
    `${label} answered with JSON that ${how}. Is baseUrl that of GitHub's API, and does no proxy stand before it?`,
    { code: 'GITHUB_ANSWER' },
  );
}
