interface Call<T> {
  resolve(result: IteratorResult<T, void>): void;
  reject(error: unknown): void;
}

/** The `next()` calls that were not answered yet, oldest first. */
export class Calls<T> {
  #resolve: Call<T>['resolve'] | undefined;
  #reject: Call<T>['reject'] | undefined;
  #later: Call<T>[] = [];
  /** How many of those were answered. */
  #answered = 0;
  // One function for every promise: a closure for each call is measurable in a loop of a million events.
  readonly #capture = (resolve: Call<T>['resolve'], reject: Call<T>['reject']): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };

  get isEmpty(): boolean {
    return this.#resolve === undefined;
  }

  open(): Promise<IteratorResult<T, void>> {
    if (this.#resolve === undefined) return new Promise(this.#capture);
    return new Promise((resolve, reject) => {
      this.#later.push({ resolve, reject });
    });
  }

  /** Answers the oldest call; true where others wait. */
  answer(result: IteratorResult<T, void>): boolean {
    const resolve = this.#resolve;
    this.#shift();
    resolve?.(result);
    return this.#resolve !== undefined;
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
    const next = this.#later.length === 0 ? undefined : this.#nextOfLater();
    this.#resolve = next?.resolve;
    this.#reject = next?.reject;
  }

  #nextOfLater(): Call<T> | undefined {
    const next = this.#later[this.#answered++];
    if (this.#answered < this.#later.length) return next;
    this.#later = [];
    this.#answered = 0;
    return next;
  }
}
