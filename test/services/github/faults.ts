import type { Answer, ApiRequest } from './route.js';

/** An answer as it goes out. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** How the bytes of an answer go out; `whole` is the usual way. */
export type Delivery =
  | { readonly kind: 'whole' | 'reset' | 'hang' | 'cut' }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'dribble'; readonly bytes: number; readonly everyMs: number };

/** What goes wrong with one answer. */
export interface Fault {
  /** Given instead of the real answer. */
  readonly answer?: (request: Pick<ApiRequest, 'path' | 'query' | 'now' | 'links' | 'limit'>) => Answer;
  /** Changes the real answer, or the one above. */
  readonly change?: (answer: RawAnswer, url: string) => RawAnswer;
  readonly delivery?: Delivery;
}

const SECONDARY =
  'You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to GitHub Support for help, please include the request ID.';

const HTML = '<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>';

/**
 * Faults to give to `server.inject`.
 *
 * ```ts
 * server.inject(faults.status(502), { after: 3, times: 2 });
 * server.inject(faults.secondaryLimit({ retryAfter: 30 }), { route: '/repos/{owner}/{repo}/issues' });
 * ```
 */
export const faults = {
  /** Any status, with a message as GitHub words it. */
  status(status: number, message = 'Server Error', headers: Record<string, string> = {}): Fault {
    return { answer: () => ({ status, body: { message }, headers }) };
  },

  /** A page for people where JSON belongs, as from a proxy that wants a login. */
  html(status = 200): Fault {
    return {
      change: ({ headers }) => ({ status, headers: { ...headers, 'content-type': 'text/html' }, text: HTML }),
    };
  },

  /** JSON that ends in the middle, although HTTP says it is whole. */
  truncated(): Fault {
    return { change: (answer) => ({ ...answer, text: answer.text.slice(0, answer.text.length / 2) }) };
  },

  /** A body with so many spaces at its end: longer than any client should take. */
  padded(bytes: number): Fault {
    return { change: (answer) => ({ ...answer, text: answer.text + ' '.repeat(bytes) }) };
  },

  /** No items, although the links to other pages stay. */
  emptyPage(): Fault {
    return { change: (answer) => ({ ...answer, text: '[]' }) };
  },

  /** 204 without a body, which some endpoints send for an empty list. */
  noContent(): Fault {
    return { change: ({ headers }) => ({ status: 204, headers, text: '' }) };
  },

  /** The connection is reset before the answer. */
  reset(): Fault {
    return { delivery: { kind: 'reset' } };
  },

  /** The connection is reset after half of the body. */
  cut(): Fault {
    return { delivery: { kind: 'cut' } };
  },

  /** Never answered. Ends when the client or the server gives up. */
  hang(): Fault {
    return { delivery: { kind: 'hang' } };
  },

  /** Answered so many real milliseconds later. */
  slow(ms: number): Fault {
    return { delivery: { kind: 'slow', ms } };
  },

  /** The body a few bytes at a time. */
  dribble({ bytes = 64, everyMs = 20 } = {}): Fault {
    return { delivery: { kind: 'dribble', bytes, everyMs } };
  },

  /** The link to the next page leads to the page itself, or wherever `to` says. */
  nextLink(to: 'itself' | string = 'itself'): Fault {
    return {
      change: (answer, url) => ({
        ...answer,
        headers: { ...answer.headers, link: `<${to === 'itself' ? url : to}>; rel="next"` },
      }),
    };
  },

  /** To a URL: 301 says to remember it, 302 and 307 not to. */
  redirect(status: 301 | 302 | 307, to: string): Fault {
    return {
      answer: () => ({
        status,
        body: { message: status === 301 ? 'Moved Permanently' : 'Found', url: to },
        headers: { location: to },
      }),
    };
  },

  /** The hour's requests are used up; `x-ratelimit-reset` is so many seconds away, or ago. */
  primaryLimit({ status = 403, resetIn = 60, message = 'API rate limit exceeded for user ID 1.' } = {}): Fault {
    return {
      answer: ({ now }) => ({
        status,
        body: { message },
        headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.floor(now / 1000) + resetIn) },
      }),
    };
  },

  /** A secondary limit: with `retry-after` in seconds (or a text, such as a date), or told by the message alone. */
  secondaryLimit({ status = 403, retryAfter }: { status?: 403 | 429; retryAfter?: number | string } = {}): Fault {
    return { answer: () => secondaryLimit(status, retryAfter) };
  },

  /** 403 that no waiting will change. */
  forbidden(message = 'Resource not accessible by integration'): Fault {
    return { answer: () => ({ status: 403, body: { message } }) };
  },

  badCredentials(): Fault {
    return { answer: () => ({ status: 401, body: { message: 'Bad credentials' } }) };
  },
};

export function secondaryLimit(status: 403 | 429, retryAfter: number | string | undefined): Answer {
  const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
  return { status, body: { message: SECONDARY }, headers };
}

export interface Occasion {
  /** So many matching requests go well first. Default: 0. */
  readonly after?: number;
  /** Then so many fail. Default: 1. */
  readonly times?: number;
  /** Only requests of this route, as GitHub's description writes it: '/repos/{owner}/{repo}/issues'. */
  readonly route?: string;
}

interface Rule extends Required<Omit<Occasion, 'route'>> {
  readonly fault: Fault;
  readonly route: string | undefined;
  seen: number;
  given: number;
}

/** Which request meets which fault. */
export class FaultPlan {
  #rules: Rule[] = [];

  add(fault: Fault, { after = 0, times = 1, route }: Occasion): void {
    this.#rules.push({ fault, route, after, times, seen: 0, given: 0 });
  }

  clear(): void {
    this.#rules = [];
  }

  /** The fault for a request: of the rules that are due for it, the one that was added first. */
  take(template: string | undefined): Fault | undefined {
    const matching = this.#rules.filter(({ route }) => route === undefined || route === template);
    for (const rule of matching) rule.seen += 1;
    const due = matching.find(({ seen, after, given, times }) => seen > after && given < times);
    if (due !== undefined) due.given += 1;
    return due?.fault;
  }
}
