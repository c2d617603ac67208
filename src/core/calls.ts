interface Call<T> {
  resolve(result: IteratorResult<T, void>): void;
  reject(error: unknown): void;
}

/** The `next()` calls that were not answered yet, oldest first. */
export class Calls<T> {
  #resolve: Call<T>['resolve'] | undefined;
  #reject: Call<T>['reject'] | undefined;
  readonly #later: Call<T>[] = [];
  // One function for every promise: a closure for each call is measurable in a loop of a million events.
  readonly #capture = (resolve: Call<T>['resolve'], reject: Call<T>['reject']): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };

  get size(): number {
    return (this.#resolve === undefined ? 0 : 1) + this.#later.length;
  }

  get isEmpty(): boolean {
    return this.#resolve === undefined;
  }

  open(): Promise<IteratorResult<T, void>> {
    if (this.#resolve === undefined) return new Promise(this.#capture);
    return new Promise((resolve, reject) => {
      this.#later.push({ resolve, reject });
    });
  }

  /** Answers the oldest call. */
  answer(result: IteratorResult<T, void>): void {
    const resolve = this.#resolve;
    this.#shift();
    resolve?.(result);
  }

  /** Rejects the oldest call and ends the others. */
  refuse(error: unknown): void {
    const reject = this.#reject;
    this.#shift();
    reject?.(error);
    this.end();
  }

  /** Answers every call with the end. */
  end(): void {
    while (this.#resolve !== undefined) this.answer({ value: undefined, done: true });
  }

  #shift(): void {
    const next = this.#later.length === 0 ? undefined : this.#later.shift();
    this.#resolve = next?.resolve;
    this.#reject = next?.reject;
  }
}
