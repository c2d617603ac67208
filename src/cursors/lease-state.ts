import type { Lease, LeaseOptions } from '../core/cursor-store.js';
import { ConfigError } from '../core/errors.js';
import { fenced, leaseHeld } from './conflicts.js';

/** The last lease granted on a source. It outlives release, expiry and the record, so that tokens only ever grow. */
export interface LeaseState {
  readonly token: number;
  readonly holder: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly released: boolean;
}

/** What a store offers: replaces the state in one atomic step; `undefined` from `change` leaves it as it is. */
export type ChangeLease = (
  change: (current: LeaseState | undefined) => LeaseState | undefined,
) => Promise<LeaseState | undefined>;

/**
 * The lease of a store that keeps `LeaseState`.
 * @throws CursorConflictError 'LEASE_HELD' while somebody else holds it.
 */
export async function takeLease(
  sourceId: string,
  options: LeaseOptions,
  now: () => number,
  change: ChangeLease,
): Promise<Lease> {
  checkTtl(sourceId, options.ttlMs);
  const granted = await change((current) => grant(current, sourceId, options, now()));
  return new StoreLease(sourceId, options.ttlMs, granted as LeaseState, now, change);
}

/** @throws CursorConflictError 'FENCED' when a later lease than `fence` was granted. */
export function checkFence(current: LeaseState | undefined, fence: number | undefined, sourceId: string): void {
  if (fence === undefined || current === undefined || current.token <= fence) return;
  throw fenced(sourceId, fence, current.token, current.holder);
}

function checkTtl(sourceId: string, ttlMs: number): void {
  if (Number.isFinite(ttlMs) && ttlMs > 0) return;
  const message = `ttlMs of a lease must be a positive number, it is ${ttlMs}`;
  throw new ConfigError([{ severity: 'error', code: 'LEASE_TTL', message }], { sourceId });
}

function grant(current: LeaseState | undefined, sourceId: string, options: LeaseOptions, now: number): LeaseState {
  if (current !== undefined && !current.released && current.expiresAt > now) {
    throw leaseHeld(sourceId, current.token, current.holder, new Date(current.expiresAt));
  }
  const token = (current?.token ?? 0) + 1;
  return { token, holder: options.holder, expiresAt: now + options.ttlMs, released: false };
}

class StoreLease implements Lease {
  readonly token: number;
  readonly #sourceId: string;
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #change: ChangeLease;
  #state: LeaseState;

  constructor(sourceId: string, ttlMs: number, state: LeaseState, now: () => number, change: ChangeLease) {
    this.token = state.token;
    this.#sourceId = sourceId;
    this.#ttlMs = ttlMs;
    this.#state = state;
    this.#now = now;
    this.#change = change;
  }

  get expiresAt(): Date {
    return new Date(this.#state.expiresAt);
  }

  /** An expired lease that nobody took is still ours to renew. */
  async renew(): Promise<void> {
    const renewed = await this.#change((current) => {
      if (!this.#isOurs(current)) throw this.#lost(current);
      return { ...current, expiresAt: this.#now() + this.#ttlMs };
    });
    this.#state = renewed as LeaseState;
  }

  async release(): Promise<void> {
    await this.#change((current) => (this.#isOurs(current) ? { ...current, released: true } : undefined));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  #isOurs(current: LeaseState | undefined): current is LeaseState {
    return current?.token === this.token && !current.released;
  }

  #lost(current: LeaseState | undefined): Error {
    return fenced(this.#sourceId, this.token, current?.token ?? 0, current?.holder ?? 'nobody');
  }
}
