import type { Clock } from '../../../core/clock.js';
import { type Lsn, later } from './lsn.js';

/**
 * What may be told to the server as done with, after which it can be thrown away. Acknowledged is not saved: a host that
 * saves its cursor every second would find, after a crash, that the server is ahead of it, and nobody could tell whether
 * something is missing. So what was acknowledged waits a while, or until an iteration begins at a cursor that came from
 * outside.
 */
export class Confirmations {
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #waiting: { readonly lsn: Lsn; readonly at: number }[] = [];
  #confirmed: Lsn = 0n;
  #hasBegun = false;

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  /** An iteration begins here. The first of this process has a cursor that somebody kept. */
  begin(lsn: Lsn): void {
    if (this.#hasBegun) this.settle(lsn);
    else this.#confirmed = later(this.#confirmed, lsn);
    this.#hasBegun = true;
  }

  /** A whole commit was acknowledged. */
  settle(lsn: Lsn): void {
    this.#waiting.push({ lsn, at: this.#clock.now() + this.#delayMs });
  }

  /** What is told to the server now. */
  get confirmed(): Lsn {
    const now = this.#clock.now();
    let due = 0;
    for (const { lsn, at } of this.#waiting) {
      if (at > now) break;
      this.#confirmed = later(this.#confirmed, lsn);
      due += 1;
    }
    if (due > 0) this.#waiting.splice(0, due);
    return this.#confirmed;
  }
}
