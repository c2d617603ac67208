/** How often it is looked for what may be forgotten. */
const SWEEP_EVERY = 64;

/**
 * Which deliveries were acknowledged: so many at most, each for as long as its sender may send it again. Those that are
 * remembered longest are forgotten first.
 */
export class Remembered {
  readonly #most: number;
  /** Until when, by key. */
  readonly #until = new Map<string, number>();
  /** The keys, oldest first from `#head` on. A map would look for its first key past all that were deleted. */
  #order: string[] = [];
  #head = 0;
  #forgotten: string[] = [];
  #added = 0;

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
    if (!this.#until.has(key)) this.#order.push(key);
    this.#until.set(key, until);
    this.#added += 1;
    if (this.#until.size > this.#most || this.#added % SWEEP_EVERY === 0) this.#forget(now);
  }

  /** Hands over what was forgotten since the last time, for whoever keeps it elsewhere as well. */
  takeForgotten(): readonly string[] {
    if (this.#forgotten.length === 0) return this.#forgotten;
    const forgotten = this.#forgotten;
    this.#forgotten = [];
    return forgotten;
  }

  #forget(now: number): void {
    for (; this.#head < this.#order.length; this.#head += 1) {
      const oldest = this.#order[this.#head] as string;
      if (this.#until.size <= this.#most && (this.#until.get(oldest) ?? 0) > now) break;
      this.#until.delete(oldest);
      this.#forgotten.push(oldest);
    }
    if (this.#head < this.#order.length / 2) return;
    this.#order = this.#order.slice(this.#head);
    this.#head = 0;
  }
}
