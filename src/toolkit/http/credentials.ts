import { createHash } from 'node:crypto';
import { AuthenticationError, HeadwaterError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';

/** How requests are authorised. Asked before each request, so a token that changes is always the present one. */
export interface HttpCredentials {
  /** Whose rate limit and whose answers these are; see `credentialIdentity`. Never the secret itself. */
  readonly identity: string;
  headers?(signal: AbortSignal): Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  /** Where an API takes its key in the query. Taken out of every message. */
  query?(): Readonly<Record<string, string>>;
  /** After a 401: fetch a new token. Called once for all requests that were refused; each is then tried once more. */
  renew?(signal: AbortSignal): Promise<void>;
}

/** `Authorization: Bearer …` (RFC 6750). */
export function bearer(token: Secret): HttpCredentials {
  return {
    identity: credentialIdentity(token.reveal()),
    headers: () => ({ authorization: `Bearer ${token.reveal()}` }),
  };
}

/** `Authorization: Basic …` (RFC 7617). */
export function basic(username: string, password: Secret): HttpCredentials {
  return {
    // Not of the password: it may be short enough to be guessed from the hash.
    identity: credentialIdentity(username),
    headers: () => ({
      authorization: `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString('base64')}`,
    }),
  };
}

/**
 * A short hash that tells credentials apart and stays the same over processes; it goes into cursors, as part of the
 * keys of validators. Made of tokens, which cannot be guessed, of user names and of installation ids; never of passwords.
 */
export function credentialIdentity(...parts: readonly string[]): string {
  return createHash('sha256')
    .update(`headwater credential\0${parts.join('\0')}`)
    .digest('base64url')
    .slice(0, 12);
}

/**
 * What the host's own code gives as credentials. Its failure is ours to name, and its words may hold secrets.
 * @throws AuthenticationError, or the error of ours that it throws, such as a RetryableError
 */
export async function givenByHost<Value>(give: () => Value | Promise<Value>, signal: AbortSignal): Promise<Value> {
  try {
    return await give();
  } catch (cause) {
    if (signal.aborted || HeadwaterError.isInstance(cause)) throw cause;
    throw new AuthenticationError('the credentials cannot be had: what provides them failed, see the cause', { cause });
  }
}

/** Renews credentials once, however many requests were refused with the old ones. */
export class Renewal {
  readonly #credentials: HttpCredentials | undefined;
  #generation = 0;
  #running: Promise<void> | undefined;

  constructor(credentials: HttpCredentials | undefined) {
    this.#credentials = credentials;
  }

  /** To be remembered when a request is sent. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether trying again makes sense, with credentials newer than those of `generation`. */
  async renew(generation: number, signal: AbortSignal): Promise<boolean> {
    if (this.#credentials?.renew === undefined) return false;
    this.#running ??= generation === this.#generation ? this.#run(signal) : undefined;
    await this.#running;
    return true;
  }

  async #run(signal: AbortSignal): Promise<void> {
    try {
      await givenByHost(() => this.#credentials?.renew?.(signal), signal);
      this.#generation += 1;
    } finally {
      this.#running = undefined;
    }
  }
}
