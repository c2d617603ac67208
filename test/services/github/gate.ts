import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Credential, Credentials } from './credentials.js';
import { type Fault, type RawAnswer, secondaryLimit } from './faults.js';
import { OpenApi } from './open-api.js';
import { canonicalPath } from './pagination.js';
import type { Links } from './payloads/links.js';
import type { RateLimits } from './rate-limits.js';
import type { Repository } from './repository.js';
import { isAcceptable, isKnownApiVersion, requestProblems } from './request-check.js';
import { type Answer, type ApiRequest, notFound, Refusal, type Route } from './route.js';
import type { Match, Router } from './router.js';
import type { Settings } from './settings.js';
import type { World } from './world.js';

export interface Incoming {
  readonly method: string;
  /** Path and query, as they came. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Requests under way, this one included. */
  readonly atOnce: number;
}

export interface Outcome {
  readonly raw: RawAnswer;
  readonly credential: string;
  readonly isBilled: boolean;
  /** What the client did that GitHub does not document. */
  readonly violations: readonly string[];
  /** What this server answered that GitHub does not document. */
  readonly answerProblem: string | undefined;
}

interface Parts {
  readonly world: World;
  readonly credentials: Credentials;
  readonly limits: RateLimits;
  readonly settings: Settings;
  readonly router: Router;
  readonly links: Links;
}

const DOCUMENTATION = 'https://docs.github.com/rest';
const NO_USER_AGENT =
  'Request forbidden by administrative rules. Please make sure your request has a User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).';

/** Sent only with a full answer: a 304 has neither. */
const NOT_WITH_304 = ['link', 'x-poll-interval', 'content-type'];

/** From request to answer: who asks, may they, what is there, has it changed, what does it cost. */
export class Gate {
  readonly #parts: Parts;
  readonly #api = OpenApi.load();
  readonly #handedOut = new Set<string>();
  #answered = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  match(method: string, target: string): Match | undefined {
    return this.#parts.router.match(method, new URL(target, this.#parts.links.api).pathname);
  }

  answer(incoming: Incoming, fault: Fault | undefined): Outcome {
    const { credentials, world, links, limits } = this.#parts;
    const url = new URL(incoming.target, links.api);
    const match = this.match(incoming.method, incoming.target);
    const now = world.now();
    const body = readJson(incoming.body);
    const violations = requestProblems(
      { method: incoming.method, url, headers: incoming.headers, body, route: match?.route },
      this.#api,
      this.#handedOut,
    );
    let credential = credentials.identify(undefined, now);
    let isFree = match?.route.isFree ?? false;
    let isReal = false;
    let answer: Answer;
    try {
      refuseWithoutUserAgent(incoming.headers);
      credential = credentials.identify(incoming.headers.authorization, now);
      const request = this.#understand(incoming, url, match, credential, now, body);
      const limited = isFree ? undefined : this.#limitRefusal(request, incoming.atOnce);
      isFree ||= limited !== undefined;
      isReal = limited === undefined && fault?.answer === undefined;
      answer = limited ?? fault?.answer?.(request) ?? this.#handle(request, match?.route, incoming.headers);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answer = error.answer;
    }
    answer = this.#complete(answer, incoming.method, match?.route);
    const answerProblem =
      isReal && match !== undefined ? this.#answerProblem(incoming.method, match.route, answer) : undefined;
    const full = this.#render(answer, incoming, credential, now);
    const isUnchanged = answer.status === 200 && isSame(incoming.headers, full.headers);
    const isBilled = !isFree && !(isUnchanged && credential.kind !== 'anonymous');
    if (isBilled) limits.take(credential, now);
    const raw = this.#finish(isUnchanged ? notModified(full) : full, credential, now, answer.headers ?? {});
    const changed = fault?.change?.(raw, links.api + incoming.target) ?? raw;
    this.#rememberPages(changed.headers['link']);
    return { raw: changed, credential: credential.name, isBilled, violations, answerProblem };
  }

  #understand(
    incoming: Incoming,
    url: URL,
    match: Match | undefined,
    credential: Credential,
    now: number,
    body: unknown,
  ): ApiRequest {
    const { world, credentials, settings, links, limits } = this.#parts;
    return {
      method: incoming.method,
      template: match?.route.template ?? '',
      path: url.pathname,
      variables: match?.variables ?? {},
      query: url.searchParams,
      accept: incoming.headers.accept ?? '*/*',
      body,
      credential,
      credentials,
      limit: limits.state(credential, now),
      now,
      links,
      world,
      settings,
    };
  }

  /** What is answered to who asked too much. Such a request does not count itself. */
  #limitRefusal({ credential, limit, now, method }: ApiRequest, atOnce: number): Answer | undefined {
    const { settings, limits } = this.#parts;
    if (limit.remaining === 0)
      return { status: settings.limitStatus, body: { message: `API rate limit exceeded for ${credential.budget}.` } };
    if (atOnce > settings.mostConcurrent) return secondaryLimit(settings.limitStatus, 60);
    const wait = limits.takePoints(credential, now, method === 'GET' ? 1 : 5, settings.pointsPerMinute);
    return wait === undefined ? undefined : secondaryLimit(settings.limitStatus, wait);
  }

  #handle(request: ApiRequest, route: Route | undefined, headers: IncomingHttpHeaders): Answer {
    if (!isAcceptable(request.accept))
      throw new Refusal(415, `Unsupported 'Accept' header: '${request.accept}'. Must accept 'application/json'.`);
    if (!isKnownApiVersion(headers['x-github-api-version']?.toString()))
      throw new Refusal(400, 'The API version given in X-GitHub-Api-Version is not supported.');
    if (route === undefined) throw notFound();
    if ((request.credential.kind === 'app') !== (route.isForApps ?? false))
      throw new Refusal(401, route.isForApps ? 'A JSON web token could not be decoded' : 'Requires authentication');
    return route.handle(request, this.#repository(request, route));
  }

  /** What a path names, if the sender may know. */
  #repository(request: ApiRequest, route: Route): Repository | undefined {
    const { owner, repo, repository_id: id } = request.variables;
    if (repo === undefined && id === undefined) return undefined;
    const { world } = this.#parts;
    const found = repo === undefined ? world.findById(Number(id)) : world.find(`${owner}/${repo}`);
    const repository = found !== undefined && 'repository' in found ? found.repository : found;
    if (repository === undefined || !request.credential.maySee(repository)) throw notFound();
    if (found !== undefined && 'isFormerName' in found && found.isFormerName) throw movedTo(repository, request);
    refuseWithoutSso(repository, request.credential);
    refuseBlocked(repository);
    refuseWithoutPermission(route, request.credential);
    return repository;
  }

  /** Errors carry where to read more, and their status as a text. */
  #complete(answer: Answer, method: string, route: Route | undefined): Answer {
    if (answer.status < 300 || answer.status === 451) return answer;
    const page = route && this.#api.documentationUrl(method, route.template);
    const status = answer.status < 400 ? {} : { status: String(answer.status) };
    return { ...answer, body: { ...(answer.body as object), documentation_url: page ?? DOCUMENTATION, ...status } };
  }

  /**
   * What the description lacks: 451 (https://github.com/github/rest-api-description/issues/3314) and the `status` of 422
   * (https://github.com/josegonzalez/python-github-backup/issues/429).
   */
  #answerProblem(method: string, route: Route, answer: Answer): string | undefined {
    const { status } = answer;
    if (!this.#parts.settings.checkAnswers || status === 451) return undefined;
    const body = status === 422 ? { ...(answer.body as object), status: undefined } : answer.body;
    const problem = this.#api.answerProblem(method, route.template, status, body);
    return problem && `${method} ${route.template} ${status}${problem}`;
  }

  #render(answer: Answer, incoming: Incoming, credential: Credential, now: number): RawAnswer {
    const text = JSON.stringify(answer.body);
    const { accept, 'x-github-api-version': version } = incoming.headers;
    const key = JSON.stringify([credential.identity, incoming.target, accept, version]);
    const etag = createHash('sha256').update(key).update(text).digest('hex');
    const visibility = credential.kind === 'anonymous' ? 'public' : 'private';
    return {
      status: answer.status,
      text,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        ...(answer.status === 200 && { etag: `W/"${etag}"` }),
        'cache-control': `${visibility}, max-age=60, s-maxage=60`,
        vary: 'Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, X-Requested-With',
        date: new Date(now).toUTCString(),
        ...answer.headers,
      },
    };
  }

  /** What an answer says of the limit is as it stands after the request, unless the answer has its own say. */
  #finish(raw: RawAnswer, credential: Credential, now: number, own: Readonly<Record<string, string>>): RawAnswer {
    this.#answered += 1;
    const { limit, remaining, used, reset } = this.#parts.limits.state(credential, now);
    const limits = {
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(remaining),
      'x-ratelimit-used': String(used),
      'x-ratelimit-reset': String(reset),
      'x-ratelimit-resource': 'core',
      'x-github-media-type': 'github.v3; format=json',
      'x-github-request-id': `C0DE:${this.#answered.toString(16).toUpperCase()}`,
    };
    const ownLimits = Object.entries(own).filter(([name]) => name.startsWith('x-ratelimit-'));
    return { ...raw, headers: { ...raw.headers, ...limits, ...Object.fromEntries(ownLimits) } };
  }

  #rememberPages(link: string | undefined): void {
    for (const [, address = ''] of (link ?? '').matchAll(/<([^>]+)>/g)) {
      const { pathname, search } = new URL(address);
      this.#handedOut.add(pathname + search);
    }
  }
}

/** By ETag if the client sent one, else by date; weakly compared, so that quotes count and `W/` does not. */
function isSame(asked: IncomingHttpHeaders, answer: Readonly<Record<string, string>>): boolean {
  const tags = asked['if-none-match'];
  const weak = (tag: string): string => tag.trim().replace(/^W\//, '');
  if (tags !== undefined)
    return tags
      .split(',')
      .map(weak)
      .includes(weak(answer['etag'] ?? ''));
  const since = Date.parse(asked['if-modified-since'] ?? '');
  return Date.parse(answer['last-modified'] ?? '') <= since;
}

function notModified({ headers }: RawAnswer): RawAnswer {
  const kept = Object.entries(headers).filter(([name]) => !NOT_WITH_304.includes(name));
  return { status: 304, headers: Object.fromEntries(kept), text: '' };
}

function refuseWithoutUserAgent(headers: IncomingHttpHeaders): void {
  if (!headers['user-agent']) throw new Refusal(403, NO_USER_AGENT);
}

function movedTo(repository: Repository, { links, path, query }: ApiRequest): Refusal {
  const search = query.size === 0 ? '' : `?${query}`;
  const url = links.api + canonicalPath(path, repository) + search;
  return new Refusal(301, 'Moved Permanently', { headers: { location: url }, body: { url } });
}

/** https://docs.github.com/rest/authentication/authenticating-to-the-rest-api#saml-sso */
function refuseWithoutSso({ owner }: Repository, { kind, sso }: Credential): void {
  if (owner.requiresSso !== true || kind !== 'personal' || sso.has(owner.login)) return;
  throw new Refusal(
    403,
    'Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.',
    {
      headers: { 'x-github-sso': `required; url=https://github.com/orgs/${owner.login}/sso?authorization_request=A1` },
    },
  );
}

function refuseBlocked({ blocked }: Repository): void {
  if (blocked === undefined) return;
  const { reason, createdAt } = blocked;
  const block = { reason, created_at: createdAt, html_url: 'https://github.com/github/dmca/blob/master/notice.md' };
  throw new Refusal(451, 'Repository access blocked', { body: { block } });
}

function refuseWithoutPermission({ permission }: Route, { permissions, kind }: Credential): void {
  if (permission === undefined || permissions === 'all' || permissions.has(permission)) return;
  const sender = kind === 'installation' ? 'integration' : 'personal access token';
  throw new Refusal(403, `Resource not accessible by ${sender}`, {
    headers: { 'x-accepted-github-permissions': `${permission}=read` },
  });
}

function readJson(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
