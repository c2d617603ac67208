import pThrottle from 'p-throttle';

export interface Rate {
  /** Turns within `intervalMs`, at most. */
  limit: number;
  intervalMs: number;
}

export interface PaceEvents {
  /** A turn is there that was not when it was asked for. */
  onTurn(): void;
  /** It takes a while: up to an interval. */
  onDelay(): void;
}

/** Turns, no more of them within any interval than agreed, by the machine's time. One is asked for at a time. */
export class Pace {
  readonly rate: Rate;
  readonly #next: () => Promise<void>;
  readonly #stop = new AbortController();
  readonly #onTurn: () => void;
  #state: 'idle' | 'asked' | 'there' = 'idle';

  constructor(rate: Rate, { onTurn, onDelay }: PaceEvents) {
    const { limit, intervalMs: interval } = rate;
    this.rate = rate;
    this.#onTurn = onTurn;
    this.#next = pThrottle({ limit, interval, strict: true, signal: this.#stop.signal, onDelay })(async () => {});
  }

  isOf({ limit, intervalMs }: Rate): boolean {
    return this.rate.limit === limit && this.rate.intervalMs === intervalMs;
  }

  /** Whether somebody waits for a turn. */
  get isAsked(): boolean {
    return this.#state === 'asked';
  }

  /** Takes a turn that is there; otherwise asks for one. */
  take(): boolean {
    if (this.#state === 'there') {
      this.#state = 'idle';
      return true;
    }
    if (this.#state === 'idle') void this.#ask();
    return false;
  }

  /** Gives up the turn that was asked for, and its timer. There are no more turns then. */
  stop(): void {
    this.#stop.abort();
  }

  async #ask(): Promise<void> {
    this.#state = 'asked';
    try {
      await this.#next();
    } catch {
      return;
    }
    this.#state = 'there';
    this.#onTurn();
  }
}
