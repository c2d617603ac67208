import type { Clock } from '../../core/clock.js';

/** How late a deadline may be noticed. */
const TICK_MS = 100;

interface Deadline {
  readonly at: number;
  expire(): void;
}

/** Many deadlines with one timer, which runs only while there are any: nearly all of them are called off. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #open = new Set<Deadline>();
  #isTicking = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `expire` at that time, in milliseconds since the epoch, unless what it returns is called before. */
  add(at: number, expire: () => void): () => void {
    const deadline: Deadline = { at, expire };
    this.#open.add(deadline);
    if (!this.#isTicking) void this.#tick();
    return () => this.#open.delete(deadline);
  }

  async #tick(): Promise<void> {
    this.#isTicking = true;
    while (this.#open.size > 0) {
      await this.#clock.sleep(TICK_MS);
      const now = this.#clock.now();
      for (const deadline of this.#open) {
        if (deadline.at > now) continue;
        this.#open.delete(deadline);
        deadline.expire();
      }
    }
    this.#isTicking = false;
  }
}
