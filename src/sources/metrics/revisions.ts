import type { KeyedState } from '../../core/keyed-state.js';

interface Stored {
  readonly value: string;
  readonly revision: number;
}

/** The samples that are read again: what of them is new or changed. Those that became too old are forgotten. */
export class Revisions {
  readonly #state: KeyedState;
  readonly #prefix: string;
  /** By time, so that what is too old is found at once; then by series. */
  readonly #times = new Map<number, Map<string, Stored>>();

  private constructor(state: KeyedState, query: string) {
    this.#state = state;
    this.#prefix = `sample:${query}\n`;
  }

  /** Each query has its own: they are not read equally far. */
  static async load(state: KeyedState, query: string): Promise<Revisions> {
    const revisions = new Revisions(state, query);
    const prefix = revisions.#prefix;
    for await (const [key, value] of state.entries(prefix)) {
      const at = key.indexOf('@', prefix.length);
      revisions.#at(Number(key.slice(prefix.length, at))).set(key.slice(at + 1), value as Stored);
    }
    return revisions;
  }

  /** Remembers a sample. Undefined where it is as it was; else how often it has changed. */
  note(series: string, time: number, value: string): number | undefined {
    const samples = this.#at(time);
    const before = samples.get(series);
    if (before?.value === value) return undefined;
    const stored = { value, revision: before === undefined ? 0 : before.revision + 1 };
    samples.set(series, stored);
    this.#state.set(`${this.#prefix}${time}@${series}`, stored);
    return stored.revision;
  }

  forgetBefore(time: number): void {
    for (const [at, samples] of this.#times) {
      if (at >= time) continue;
      for (const series of samples.keys()) this.#state.delete(`${this.#prefix}${at}@${series}`);
      this.#times.delete(at);
    }
  }

  #at(time: number): Map<string, Stored> {
    let samples = this.#times.get(time);
    if (samples === undefined) {
      samples = new Map();
      this.#times.set(time, samples);
    }
    return samples;
  }
}
