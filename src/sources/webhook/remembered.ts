/**
 * Which deliveries were acknowledged: so many at most, each for as long as its sender may send it again. Those that are
 * remembered longest are forgotten first.
 */
export class Remembered {
  readonly #most: number;
  /** Until when, by key; oldest first. */
  readonly #until = new Map<string, number>();
  #forgotten: string[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#until.size;
  }

  has(key: string, now: number): boolean {
    const until = this.#until.get(key);
    return until !== undefined && until > now;
  }

  add(key: string, until: number, now: number): void {
    this.#until.delete(key);
    this.#until.set(key, until);
    for (const [oldest, end] of this.#until) {
      if (this.#until.size <= this.#most && end > now) return;
      this.#until.delete(oldest);
      this.#forgotten.push(oldest);
    }
  }

  /** Hands over what was forgotten since the last time, for whoever keeps it elsewhere as well. */
  takeForgotten(): readonly string[] {
    if (this.#forgotten.length === 0) return this.#forgotten;
    const forgotten = this.#forgotten;
    this.#forgotten = [];
    return forgotten;
  }
}
