/** Prometheus refuses more steps to a series than this. */
export const MOST_STEPS = 11_000;

/** Samples that are asked for at once, as far as it is known how many series there are. */
const SAMPLES_AT_ONCE = 50_000;
const STEPS_AT_FIRST = 100;

/** Aligned steps, so that two polls see the same samples: the last at or before a time. */
export function alignedBefore(time: number, stepMs: number): number {
  return Math.floor(time / stepMs) * stepMs;
}

/** How many steps are asked for at once: as many as bring so many samples, and half of it where that was too much. */
export class WindowSize {
  #steps = STEPS_AT_FIRST;
  /** Set where more were refused. */
  #most = MOST_STEPS;

  get steps(): number {
    return this.#steps;
  }

  /** After an answer: so many series there are. */
  learn(series: number): void {
    this.#steps = Math.max(1, Math.min(this.#most, Math.floor(SAMPLES_AT_ONCE / Math.max(1, series))));
  }

  /** After an answer that was too large. False where it cannot be less. */
  halve(): boolean {
    if (this.#steps <= 1) return false;
    this.#most = Math.max(1, Math.floor(this.#steps / 2));
    this.#steps = this.#most;
    return true;
  }
}
