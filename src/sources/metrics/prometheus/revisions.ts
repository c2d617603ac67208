import type { KeyedState } from '../../../core/keyed-state.js';

interface Stored {
  readonly value: string;
  readonly revision: number;
}

const PREFIX = 'sample:';

/** The samples that are read again: what of them is new or changed. Those that became too old are forgotten. */
export class Revisions {
  readonly #state: KeyedState;
  /** By time, so that what is too old is found at once; then by series. */
  readonly #times = new Map<number, Map<string, Stored>>();

  private constructor(state: KeyedState) {
    this.#state = state;
  }

  static async load(state: KeyedState): Promise<Revisions> {
    const revisions = new Revisions(state);
    for await (const [key, value] of state.entries(PREFIX)) {
      const at = key.indexOf('@');
      revisions.#at(Number(key.slice(PREFIX.length, at))).set(key.slice(at + 1), value as Stored);
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
    this.#state.set(`${PREFIX}${time}@${series}`, stored);
    return stored.revision;
  }

  forgetBefore(time: number): void {
    for (const [at, samples] of this.#times) {
      if (at >= time) continue;
      for (const series of samples.keys()) this.#state.delete(`${PREFIX}${at}@${series}`);
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
