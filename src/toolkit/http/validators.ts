import { createHash } from 'node:crypto';
import { type Clock, systemClock } from '../../core/clock.js';

/** What a server gave with a body to ask later whether it changed (RFC 9110 section 8.8). Plain JSON, for cursors. */
export interface Validator {
  /** A hash of method, URL, varying headers and credentials: it belongs to that representation only. */
  readonly key: string;
  /** Verbatim, with quotes and `W/`. */
  readonly etag?: string;
  readonly modified?: string;
  /** When the body came, in seconds since the epoch. */
  readonly at: number;
}

export interface ValidatorsOptions {
  /** From the cursor: those whose bodies were acknowledged. */
  saved?: readonly Validator[] | undefined;
  clock?: Clock | undefined;
  /** After so many 304 in a row one request is sent without condition: servers have answered 304 for ever. Default 10. */
  mostNotModified?: number | undefined;
  /** The same once the body is this old, also over restarts. In milliseconds; default one hour. */
  longestMs?: number | undefined;
  /** The oldest beyond it are forgotten. Default 2,000. */
  most?: number | undefined;
}

/**
 * The validators that may be sent: of bodies that were delivered. A body that was received but not delivered would be
 * lost if the next request were answered 304; so `HttpResponse.validator` goes into the cursor of the batch made of that
 * body, and comes back from there.
 *
 * ```ts
 * const validators = new Validators({ clock, saved: cursor?.validators });
 * const response = await client.request({ url, validators, signal });
 * if (response.status === 304) return;
 * yield { events, cursor: { validators: validators.with(response.validator) }, settle: () => validators.keep(response.validator) };
 * ```
 */
export class Validators {
  readonly #clock: Clock;
  readonly #mostNotModified: number;
  readonly #longestMs: number;
  readonly #most: number;
  /** The oldest first. */
  readonly #kept = new Map<string, Validator>();
  readonly #notModified = new Map<string, number>();
  /** When a request without condition was last answered, by this clock. */
  readonly #answeredAt = new Map<string, number>();

  constructor(options: ValidatorsOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#mostNotModified = options.mostNotModified ?? 10;
    this.#longestMs = options.longestMs ?? 3_600_000;
    this.#most = options.most ?? 2_000;
    for (const validator of options.saved ?? []) this.keep(validator);
  }

  /** From now on it may be sent: its body was acknowledged. undefined, as of a response without one, changes nothing. */
  keep(validator: Validator | undefined): void {
    if (validator === undefined) return;
    this.#kept.delete(validator.key);
    this.#kept.set(validator.key, validator);
    this.#notModified.delete(validator.key);
    for (const key of this.#kept.keys()) {
      if (this.#kept.size <= this.#most) break;
      this.#kept.delete(key);
      this.#notModified.delete(key);
      this.#answeredAt.delete(key);
    }
  }

  /** What a cursor holds when these are delivered too. Does not change what may be sent now. */
  with(...delivered: readonly (Validator | undefined)[]): Validator[] {
    const all = new Map(this.#kept);
    for (const validator of delivered) {
      if (validator === undefined) continue;
      all.delete(validator.key);
      all.set(validator.key, validator);
    }
    return [...all.values()].slice(-this.#most);
  }

  /** The headers that make a request conditional; none when nothing is known of it, or when it is time to ask anew. */
  headersFor(key: string): Record<string, string> {
    const validator = this.#kept.get(key);
    if (validator === undefined || this.#isDue(validator)) return {};
    const headers: Record<string, string> = {};
    if (validator.etag !== undefined) headers['if-none-match'] = validator.etag;
    else if (validator.modified !== undefined) headers['if-modified-since'] = validator.modified;
    return headers;
  }

  /** Counts an answer that nothing changed. */
  notModified(key: string): void {
    this.#notModified.set(key, (this.#notModified.get(key) ?? 0) + 1);
  }

  /** An unconditional request was answered: counting starts again, whether or not its body brings anything to deliver. */
  answered(key: string): void {
    if (!this.#kept.has(key)) return;
    this.#notModified.delete(key);
    this.#answeredAt.set(key, this.#clock.now());
  }

  #isDue(validator: Validator): boolean {
    const age = this.#clock.now() - Math.max(validator.at * 1_000, this.#answeredAt.get(validator.key) ?? 0);
    return age >= this.#longestMs || (this.#notModified.get(validator.key) ?? 0) >= this.#mostNotModified;
  }
}

/** The key of a representation. A hash: URLs are long, and may hold what a cursor must not. */
export function validatorKey(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, 22);
}

/** The validator of a response, when it has one. */
export function validatorOf(
  key: string,
  headers: Readonly<Record<string, string>>,
  now: number,
): Validator | undefined {
  const { etag, 'last-modified': modified } = headers;
  if (etag === undefined && modified === undefined) return undefined;
  const at = Math.floor(now / 1_000);
  return etag === undefined ? { key, modified: modified as string, at } : { key, etag, at };
}
