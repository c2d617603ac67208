import { randomBytes } from 'node:crypto';

/** Ids for what has none of its own: each receipt another, also over restarts. */
export class Receipts {
  readonly #boot = randomBytes(8).toString('hex');
  #count = 0;

  next(): string {
    this.#count += 1;
    return `${this.#boot}-${this.#count}`;
  }
}
