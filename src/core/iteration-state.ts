import type { KeyedState } from './keyed-state.js';

/** Keyed state as one iteration sees it: once that was given up, what its source still changes is of no effect. */
export class IterationState implements KeyedState {
  readonly #state: KeyedState;
  readonly #isGivenUp: () => boolean;

  constructor(state: KeyedState, isGivenUp: () => boolean) {
    this.#state = state;
    this.#isGivenUp = isGivenUp;
  }

  get(key: string): Promise<unknown> {
    return this.#state.get(key);
  }

  set(key: string, value: unknown): void {
    if (!this.#isGivenUp()) this.#state.set(key, value);
  }

  delete(key: string): void {
    if (!this.#isGivenUp()) this.#state.delete(key);
  }

  entries(prefix?: string): AsyncIterable<[key: string, value: unknown]> {
    return this.#state.entries(prefix);
  }
}
