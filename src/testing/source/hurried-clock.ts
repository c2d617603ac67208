import { type Clock, systemClock } from '../../core/clock.js';

const FASTER = 20;
const LONGEST_MS = 500;

/** Time in which waits are short: a back-off of minutes is over in half a second. Never goes back. */
export class HurriedClock implements Clock {
  #ahead = 0;

  now(): number {
    return systemClock.now() + this.#ahead;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const wait = Math.min(ms / FASTER, LONGEST_MS);
    await systemClock.sleep(wait, signal);
    this.#ahead += ms - wait;
  }
}
