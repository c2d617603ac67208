import type { Labels } from '../series.js';

/** A number of a series at a time, as an answer has it. */
export interface Point {
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly value: number;
}

/** Points that have metric and labels in common. */
export interface PointSeries {
  readonly metric: string;
  readonly labels: Labels;
  readonly points: Point[];
}

/** Collects the points of an answer by their series: one answer may bring a series in parts. */
export class PointCollector {
  readonly #series = new Map<string, PointSeries>();
  /** Cells that are no numbers, and so no samples. */
  notNumbers = 0;

  /** `key`: the same for what has metric and labels in common. */
  at(key: string, metric: string, labels: Labels): PointSeries {
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { metric, labels, points: [] };
      this.#series.set(key, series);
    }
    return series;
  }

  all(): readonly PointSeries[] {
    return [...this.#series.values()];
  }
}

/** What a query was answered with. */
export interface PointAnswer {
  readonly series: readonly PointSeries[];
  readonly notNumbers: number;
}

/** An answer that says that the query failed, though its status is 200. */
export class ReportedError extends Error {
  override readonly name = 'ReportedError';
}

/** An answer that is not what was asked for. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
}
