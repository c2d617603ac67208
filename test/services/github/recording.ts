import type { IncomingHttpHeaders } from 'node:http';

/** A request that came in, and what became of it. */
export interface RecordedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** As GitHub's description writes it; `undefined` if there is no such route. */
  readonly route: string | undefined;
  /** Without `authorization`: see `credential`. */
  readonly headers: IncomingHttpHeaders;
  /** Says whose token came, and never the token: 'personal token of octocat', 'installation 17', 'anonymous'. */
  readonly credential: string;
  readonly status: number;
  /** Whether it counted against the primary limit. */
  readonly isBilled: boolean;
}

export interface Counts {
  readonly total: number;
  /** Counted against a primary limit. */
  readonly billed: number;
  /** Answered 304: free for who is authenticated. */
  readonly notModified: number;
  readonly byRoute: Readonly<Record<string, number>>;
  /** The most requests under way at once. */
  readonly mostAtOnce: number;
}

export function count(requests: readonly RecordedRequest[], mostAtOnce: number): Counts {
  const byRoute: Record<string, number> = {};
  for (const { route = 'unknown' } of requests) byRoute[route] = (byRoute[route] ?? 0) + 1;
  return {
    total: requests.length,
    billed: requests.filter(({ isBilled }) => isBilled).length,
    notModified: requests.filter(({ status }) => status === 304).length,
    byRoute,
    mostAtOnce,
  };
}
