import type { KeyedState } from '../../../core/keyed-state.js';
import type { MetricFields, MetricStaleData } from '../events.js';
import type { Labels, Series } from '../series.js';

interface Stored {
  readonly metric: string;
  readonly labels: Labels;
}

interface KnownSeriesOptions {
  readonly state: KeyedState;
  readonly query: string;
  readonly maxSeries: number;
  onDropped(): void;
}

/** Which series the last step of a query had: those that the next one lacks are told, once. */
export class KnownSeries {
  readonly #options: KnownSeriesOptions;
  readonly #prefix: string;
  readonly #known = new Map<string, Stored>();

  private constructor(options: KnownSeriesOptions) {
    this.#options = options;
    this.#prefix = `series:${options.query}\n`;
  }

  static async load(options: KnownSeriesOptions): Promise<KnownSeries> {
    const known = new KnownSeries(options);
    for await (const [key, value] of options.state.entries(known.#prefix)) {
      known.#known.set(key.slice(known.#prefix.length), value as Stored);
    }
    return known;
  }

  has(key: string): boolean {
    return this.#known.has(key);
  }

  /** These are there now; the others were there until `last`, and are told to be gone at `time`. */
  update(present: ReadonlyMap<string, Series>, { last, time }: { last: number; time: number }): MetricFields[] {
    const { state, maxSeries, onDropped } = this.#options;
    const gone: MetricFields[] = [];
    for (const [key, stored] of this.#known) {
      if (present.has(key)) continue;
      this.#known.delete(key);
      state.delete(this.#prefix + key);
      gone.push(staleFields({ key, ...stored, query: this.#options.query }, { last, time }));
    }
    for (const [key, { metric, labels }] of present) {
      if (this.#known.has(key)) continue;
      if (this.#known.size >= maxSeries) {
        onDropped();
        continue;
      }
      this.#known.set(key, { metric, labels });
      state.set(this.#prefix + key, { metric, labels });
    }
    return gone;
  }

  /** Told by whoever saw it end. */
  forget(key: string): void {
    if (this.#known.delete(key)) this.#options.state.delete(this.#prefix + key);
  }
}

/** A series whose last sample was at `last`, and that had none at `time`. */
export function staleFields(series: Series, { last, time }: { last: number; time: number }): MetricFields {
  const { key, metric, labels, query = '' } = series;
  const data: MetricStaleData = { metric, labels, ...(query !== '' && { query }), last: new Date(last).toISOString() };
  return {
    type: 'metric.series.stale',
    id: `${key}@${time}:stale`,
    subject: key,
    time: new Date(time).toISOString(),
    data,
  };
}
