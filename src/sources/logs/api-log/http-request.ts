import type { LineParseError } from '../format/line-format.js';

/** A request that a server answered, as its log tells of it. What the log does not say is absent. */
export interface HttpRequest {
  /** 'GET' */
  method?: string;
  /** Without query, as the client wrote it: not decoded. */
  path?: string;
  /** Without its `?`; values that look secret are `[redacted]`. */
  query?: string;
  status?: number;
  /** How long it took, in milliseconds. */
  durationMs?: number;
  /** Of the answer, as the server counts them: with or without its headers. */
  bytes?: number;
  clientAddress?: string;
  userAgent?: string;
  referer?: string;
  requestId?: string;
  host?: string;
  /** 'HTTP/1.1' */
  protocol?: string;
  user?: string;
  /** What the client sent first, where that is not a method, a path and a protocol: nothing, or the start of TLS. */
  request?: string;
  /**
   * Whose names of fields were taken, where the format has names and not all that is told was configured: 'pino-http',
   * 'express-winston', 'caddy', 'envoy', 'nginx', or 'plain' for names that speak for themselves.
   */
  guessed?: string;
  /** The zone that was taken because the time of the line names none. */
  assumedZone?: string;
  /** With `withFields`: all that the line holds; values that look secret are `[redacted]`. */
  fields?: Readonly<Record<string, unknown>>;
  /** The line itself, where it is not the line of a request; what looks secret is `[redacted]`. */
  line?: string;
  /** Why it is not. */
  parseError?: LineParseError;
}
