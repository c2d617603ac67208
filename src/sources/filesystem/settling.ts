import type { Stats } from 'node:fs';

interface Waiting {
  readonly size: number;
  readonly mtimeMs: number;
  /** When these were seen first, by our own clock. */
  readonly since: number;
  /** When to look again. */
  readonly dueAt: number;
}

/** Files that are being written, or may be: when to look at each again. */
export class Settling {
  readonly #stableForMs: number;
  readonly #waiting = new Map<string, Waiting>();

  constructor(stableForMs: number) {
    this.#stableForMs = stableForMs;
  }

  /** Whether nothing was written to it for long enough. By its own time, or by ours where its time lies ahead. */
  isSettled(path: string, { size, mtimeMs }: Stats, now: number): boolean {
    if (now - mtimeMs >= this.#stableForMs) return true;
    const waiting = this.#waiting.get(path);
    const isSame = waiting?.size === size && waiting.mtimeMs === mtimeMs;
    const since = isSame ? waiting.since : now;
    if (now - since >= this.#stableForMs) return true;
    const dueAt = Math.min(since, Math.max(mtimeMs, 0)) + this.#stableForMs;
    this.#waiting.set(path, { size, mtimeMs, since, dueAt: Math.max(dueAt, now + 1) });
    return false;
  }

  /** It changed while it was read. */
  lookAgain(path: string, now: number): void {
    this.#waiting.set(path, { size: -1, mtimeMs: -1, since: now, dueAt: now + this.#stableForMs });
  }

  forget(path: string): void {
    this.#waiting.delete(path);
  }

  get paths(): readonly string[] {
    return [...this.#waiting.keys()];
  }

  /** When the first of them is to be looked at; undefined where there is none. */
  get dueAt(): number | undefined {
    let first: number | undefined;
    for (const { dueAt } of this.#waiting.values()) if (first === undefined || dueAt < first) first = dueAt;
    return first;
  }
}
