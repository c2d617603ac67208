import { seriesKey } from '../series.js';
import type { StatsdKind, StatsdMetric, StatsdTags } from './parse.js';

/** What the values of a series come to in one interval. */
export interface Aggregate {
  readonly metric: string;
  readonly kind: StatsdKind;
  readonly tags: StatsdTags;
  readonly value: number;
}

interface Series {
  readonly key: string;
  readonly name: string;
  readonly kind: StatsdKind;
  readonly tags: StatsdTags;
  /** Counters: their sum. Gauges: the last value. */
  value: number;
  /** Timers and the like: each value, and how many were measured for those that were sent. */
  readonly values: number[];
  count: number;
  readonly members: Set<string> | undefined;
}

/** Sums up what comes within an interval, as StatsD does. */
export class Aggregates {
  readonly #percentiles: readonly number[];
  readonly #maxSeries: number;
  #series = new Map<string, Series>();
  /** The same series by the words of a line: tags in another order, or twice, are another line of the same series. */
  #byWords = new Map<string, Series>();
  /** Gauges keep their value over intervals: what comes next may be a change of it. */
  readonly #gauges = new Map<string, number>();

  constructor(percentiles: readonly number[], maxSeries: number) {
    this.#percentiles = percentiles;
    this.#maxSeries = maxSeries;
  }

  /** False where there are too many series to keep another. */
  add(metric: StatsdMetric): boolean {
    const words = `${metric.kind} ${metric.name}|${metric.tagText}`;
    const series = this.#byWords.get(words) ?? this.#find(words, metric);
    if (series === undefined) return false;
    for (const value of metric.values) this.#take(series, value, metric);
    return true;
  }

  /** What the interval came to; the next one begins. */
  flush(): Aggregate[] {
    const found = [...this.#series.values()].flatMap((series) => this.#sumUp(series));
    this.#series = new Map();
    this.#byWords = new Map();
    return found;
  }

  #find(words: string, { name, kind, tags }: StatsdMetric): Series | undefined {
    const key = `${kind} ${seriesKey(name, tags)}`;
    const series = this.#series.get(key) ?? this.#begin(key, { name, kind, tags });
    if (series !== undefined && this.#byWords.size < this.#maxSeries) this.#byWords.set(words, series);
    return series;
  }

  #begin(key: string, { name, kind, tags }: Pick<Series, 'name' | 'kind' | 'tags'>): Series | undefined {
    if (this.#series.size >= this.#maxSeries) return undefined;
    const members = kind === 'set' ? new Set<string>() : undefined;
    const series: Series = { key, name, kind, tags, value: 0, values: [], count: 0, members };
    if (kind === 'gauge') series.value = this.#gauges.get(key) ?? 0;
    this.#series.set(key, series);
    return series;
  }

  #take(series: Series, value: number | string, { rate, isDelta }: StatsdMetric): void {
    if (series.members !== undefined) return void series.members.add(String(value));
    const number = Number(value);
    switch (series.kind) {
      case 'counter':
        series.value += number / rate;
        return;
      case 'gauge':
        series.value = isDelta ? series.value + number : number;
        if (this.#gauges.size < this.#maxSeries || this.#gauges.has(series.key))
          this.#gauges.set(series.key, series.value);
        return;
      default:
        series.values.push(number);
        series.count += 1 / rate;
    }
  }

  #sumUp({ name, kind, tags, value, values, count, members }: Series): Aggregate[] {
    if (members !== undefined) return [{ metric: name, kind, tags, value: members.size }];
    if (kind === 'counter' || kind === 'gauge') return [{ metric: name, kind, tags, value }];
    values.sort((one, other) => one - other);
    const sum = values.reduce((total, each) => total + each, 0);
    const parts: [string, number][] = [
      ['count', count],
      ['sum', sum],
      ['mean', sum / values.length],
      ['lower', values[0] as number],
      ['upper', values.at(-1) as number],
      ...this.#percentiles.map((percent): [string, number] => [`p${percent}`, percentile(values, percent)]),
    ];
    return parts.map(([part, each]) => ({ metric: `${name}.${part}`, kind, tags, value: each }));
  }
}

/** The smallest value that so many per cent do not exceed. */
export function percentile(ascending: readonly number[], percent: number): number {
  return ascending[Math.max(0, Math.ceil((percent / 100) * ascending.length) - 1)] as number;
}
