/**
 * The value of a sample, as JSON can hold it: what has no number in JSON is text, which `Number()` reads back.
 *
 * ```ts
 * const value = Number(event.data.value);   // NaN, Infinity and -Infinity too
 * ```
 */
export type MetricValue = number | 'NaN' | 'Infinity' | '-Infinity';

export function metricValue(value: number): MetricValue {
  if (Number.isFinite(value)) return value;
  return String(value) as MetricValue;
}

/**
 * A number as Prometheus and OpenMetrics write it; undefined for what is none. `Number` alone would not know `+Inf`.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 */
export function readNumber(text: string): number | undefined {
  const value = Number(text);
  if (!Number.isNaN(value)) return text.trim() === '' ? undefined : value;
  switch (text.toLowerCase()) {
    case 'nan':
      return Number.NaN;
    case '+inf':
    case 'inf':
    case '+infinity':
    case 'infinity':
      return Number.POSITIVE_INFINITY;
    case '-inf':
    case '-infinity':
      return Number.NEGATIVE_INFINITY;
    default:
      return undefined;
  }
}
