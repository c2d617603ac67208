/** Labels, or tags, of a series. */
export type Labels = Readonly<Record<string, string>>;

/** What tells a series from all others: its metric, its labels, and the query that found it. */
export interface Series {
  /** The same for the same metric and labels, in whatever order they came: `up{instance="a",job="b"}`. */
  readonly key: string;
  readonly metric: string;
  readonly labels: Labels;
  /** The name of the query, where there are queries. */
  readonly query?: string | undefined;
}

/** The text of a series: labels in the order of their names, values quoted. */
export function seriesKey(metric: string, labels: Labels): string {
  const names = Object.keys(labels);
  if (names.length === 0) return metric;
  if (names.length > 1) names.sort();
  return `${metric}{${names.map((name) => `${name}=${JSON.stringify(labels[name])}`).join(',')}}`;
}

/** A series, its labels in the order of their names. */
export function toSeries(metric: string, labels: Labels, query?: string): Series {
  const key = seriesKey(metric, labels);
  return { key: query === undefined ? key : `${query}:${key}`, metric, labels, ...(query !== undefined && { query }) };
}
