/**
 * So many batches in work at once, their results taken in the order in which they began. After the first failure
 * nothing behind it is committed.
 */
export class Lanes {
  readonly #width: number;
  readonly #onFailure: () => void;
  #working = 0;
  #wake: (() => void) | undefined;
  #committing: Promise<void> = Promise.resolve();
  #blocked: { error: unknown } | undefined;
  #isStopped = false;

  constructor(width: number, onFailure: () => void) {
    this.#width = width;
    this.#onFailure = onFailure;
  }

  /** Resolves when another batch may begin, or none will. */
  async free(): Promise<void> {
    while (this.#working >= this.#width && !this.#isStopped) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Nobody waits for room any more. */
  stop(): void {
    this.#isStopped = true;
    this.#wake?.();
  }

  run<Result>(
    work: () => Promise<Result>,
    commit: (result: Result) => Promise<void>,
    reject: (error: unknown) => Promise<void>,
  ): void {
    const working = work();
    const before = this.#committing;
    const lane = this.#finish(before, working, commit, reject);
    this.#committing = lane;
    this.#working += 1;
    void lane.then(() => {
      this.#working -= 1;
      this.#wake?.();
    });
  }

  async idle(): Promise<void> {
    await this.#committing;
  }

  /** Nothing that is still in work is committed any more. */
  giveUp(error: unknown): void {
    this.#blocked ??= { error };
  }

  throwIfFailed(): void {
    if (this.#blocked !== undefined) throw this.#blocked.error;
  }

  async #finish<Result>(
    before: Promise<void>,
    working: Promise<Result>,
    commit: (result: Result) => Promise<void>,
    reject: (error: unknown) => Promise<void>,
  ): Promise<void> {
    try {
      const result = await working;
      await before;
      if (this.#blocked === undefined) await commit(result);
      else await reject(this.#blocked.error);
    } catch (error) {
      // At once, so that nothing more is read; what began before it may still be committed.
      this.stop();
      this.#onFailure();
      await before;
      this.#blocked ??= { error };
      await reject(error);
    }
  }
}
