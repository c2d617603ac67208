/** What a test may change while the server runs. */
export interface Settings {
  /** Real milliseconds before each answer. */
  latencyMs: number;
  /** By how much the server's clock is ahead of the test's: `Date`, `x-ratelimit-reset`, expiry, every timestamp. */
  clockSkewMs: number;
  /** A list of issues of so many is walked by cursors: `page=` that reaches so far is refused with 422. */
  pageWindow: number;
  /** How late the events feed shows an event. GitHub says 30 seconds to 6 hours. */
  eventLatencyMs: number;
  pollIntervalSeconds: number;
  /** GitHub answers an exhausted primary limit with either. */
  limitStatus: 403 | 429;
  /** Secondary limit on requests under way at once, all credentials together. */
  mostConcurrent: number;
  /** Secondary limit per credential: 900 on GitHub. Off at first, since a clock that stands still never gets to the next minute. */
  pointsPerMinute: number;
  /** Compresses for clients that take it. */
  gzip: boolean;
  /** Checks each answer against GitHub's OpenAPI description. */
  checkAnswers: boolean;
}

export const defaultSettings: Settings = {
  latencyMs: 0,
  clockSkewMs: 0,
  pageWindow: 10_000,
  eventLatencyMs: 30_000,
  pollIntervalSeconds: 60,
  limitStatus: 403,
  mostConcurrent: 100,
  pointsPerMinute: Number.POSITIVE_INFINITY,
  gzip: false,
  checkAnswers: true,
};
