import type { WebhookAnswer } from './provider.js';

/** A request as a mount hands it over. */
export interface Incoming {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Who is at the other end of the connection; undefined where the mount cannot tell. */
  readonly peer: string | undefined;
  /** By its lower-case name; undefined when it is missing, and when it came more than once. */
  readonly header: (name: string) => string | undefined;
  readonly headerNames: () => readonly string[];
  /**
   * The body as it comes. Ends with an error where it cannot be had: `HttpError` where that is to be answered.
   * @param take given each piece; what it throws ends the reading
   * @param onLate given what ends the reading with an error
   */
  read(take: Take, onLate: OnLate): Promise<void>;
}

export type Take = (chunk: Uint8Array) => void;
export type OnLate = (end: (error: unknown) => void) => void;

/** An answer that ends the work on a request. */
export class HttpError extends Error {
  readonly answer: WebhookAnswer;

  constructor(answer: WebhookAnswer) {
    super(`answered with ${answer.status}`);
    this.answer = answer;
  }
}

/** The sender is gone: there is nobody to answer. */
export class SenderGoneError extends Error {}

/** How long senders are asked to wait where it is full, or nobody takes what they send. */
const RETRY_AFTER_SECONDS = 10;

/** A refusal as JSON: `{ "error": reason }`. */
export function refusal(
  status: number,
  reason: string,
  headers: Readonly<Record<string, string>> = {},
  more: Readonly<Record<string, unknown>> = {},
): WebhookAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify({ error: reason, ...more }),
  };
}

/** Never a 4xx: senders take that for final. */
export function unavailable(reason: string, headers: Readonly<Record<string, string>> = {}): WebhookAnswer {
  return refusal(503, reason, { 'retry-after': `${RETRY_AFTER_SECONDS}`, ...headers });
}

/** What was not read of a body is still on its way: the connection cannot be used again. */
export const CLOSE: Readonly<Record<string, string>> = { connection: 'close' };
