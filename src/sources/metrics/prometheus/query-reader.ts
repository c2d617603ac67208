import { FatalError } from '../../../core/errors.js';
import type { MetricFields } from '../events.js';
import { type Series, toSeries } from '../series.js';
import type { Tracked } from '../threshold/thresholds.js';
import { metricValue, readNumber } from '../value.js';
import type { QueryAnswer, RawSeries } from './client.js';
import type { QueriedConfig } from './config.js';
import type { PrometheusCursor } from './cursor.js';
import { KnownSeries, staleFields } from './known-series.js';
import type { ModeContext, PrometheusBatch } from './mode.js';
import type { PrometheusEvent } from './prometheus-events.js';
import { Revisions } from './revisions.js';
import { alignedBefore, WindowSize } from './windows.js';

const NONE: readonly Tracked[] = [];

type Query = QueriedConfig['queries'][number];

/** A window of aligned times: behind `until`, up to and with `to`. `from` is before it where samples are read again. */
interface Window {
  readonly from: number;
  readonly until: number;
  readonly to: number;
}

/** Answers that say that it was too much at once. */
const TOO_MUCH = new Set(['PROMETHEUS_TOO_MUCH', 'HTTP_BODY_TOO_LARGE']);

/** One query, window after window. */
export class QueryReader {
  readonly #mode: ModeContext;
  readonly #config: QueriedConfig;
  readonly #query: Query;
  readonly #known: KnownSeries;
  readonly #revisions: Revisions | undefined;
  readonly #size = new WindowSize();
  readonly #told = new Set<string>();
  /** Times as text: the same for every series. */
  #times = new Map<number, string>();

  private constructor(
    mode: ModeContext,
    config: QueriedConfig,
    query: Query,
    known: KnownSeries,
    revisions?: Revisions,
  ) {
    this.#mode = mode;
    this.#config = config;
    this.#query = query;
    this.#known = known;
    this.#revisions = revisions;
  }

  static async open(mode: ModeContext, config: QueriedConfig, query: Query): Promise<QueryReader> {
    const { state } = mode.context;
    const onDropped = (): void => mode.onDropped('series');
    const known = await KnownSeries.load({ state, query: query.name, maxSeries: config.maxSeries, onDropped });
    const isReadAgain = config.mode === 'range' && config.overlapMs > 0;
    return new QueryReader(mode, config, query, known, isReadAgain ? await Revisions.load(state) : undefined);
  }

  /** Everything up to `end`; gives the position behind it. */
  async *read(cursor: PrometheusCursor, end: number): AsyncGenerator<PrometheusBatch, PrometheusCursor, undefined> {
    const { stepMs } = this.#config;
    let at = cursor;
    for (;;) {
      const until = at.until[this.#query.name] ?? this.#start(end);
      if (until >= end) return at;
      const window = this.#window(until, end, stepMs);
      const answer = await this.#ask(window);
      if (answer === undefined) continue;
      this.#warn(answer);
      this.#size.learn(answer.series.length);
      at = { until: { ...at.until, [this.#query.name]: window.to } };
      yield { events: this.#events(answer, window), cursor: at };
    }
  }

  #start(end: number): number {
    const { stepMs, mode } = this.#config;
    if (mode === 'range' && this.#config.since !== undefined) {
      return alignedBefore(Date.parse(this.#config.since) - 1, stepMs);
    }
    return end - stepMs;
  }

  #window(until: number, end: number, stepMs: number): Window {
    // Only the present value was asked for.
    if (this.#config.mode === 'instant') return { from: end, until: end - stepMs, to: end };
    const to = Math.min(end, until + this.#size.steps * stepMs);
    const again = Math.floor(this.#config.overlapMs / stepMs) * stepMs;
    return { from: until + stepMs - again, until, to };
  }

  /** Undefined where it was too much, and less is to be asked for. */
  async #ask({ from, to }: Window): Promise<QueryAnswer | undefined> {
    const { client, context } = this.#mode;
    const { query } = this.#query;
    const { stepMs, mode } = this.#config;
    try {
      if (mode === 'instant') return await client.query(query, to, context.signal);
      return await client.queryRange(query, { from, to, stepMs }, context.signal);
    } catch (error) {
      const isTooMuch = FatalError.isInstance(error) && TOO_MUCH.has(error.code);
      if (isTooMuch && mode === 'range' && this.#size.halve()) return undefined;
      throw error;
    }
  }

  #warn({ warnings }: QueryAnswer): void {
    for (const warning of warnings) {
      if (this.#told.has(warning)) continue;
      this.#told.add(warning);
      this.#mode.logger.warn({ query: this.#query.name, warning }, 'Prometheus warns of what a query gives');
    }
  }

  #events(answer: QueryAnswer, window: Window): readonly PrometheusEvent[] {
    const { make, thresholds } = this.#mode;
    const events: PrometheusEvent[] = [];
    const told: MetricFields[] = [];
    const present = new Map<string, Series>();
    this.#times = new Map();
    for (const raw of answer.series) {
      const series = this.#seriesOf(raw);
      const last = this.#samples(raw, series, window, events, told);
      if (last === window.to) present.set(series.key, series);
      else this.#known.forget(series.key);
    }
    told.push(...this.#known.update(present, { last: window.until, time: window.until + this.#config.stepMs }));
    thresholds.missing(window.to, told);
    this.#revisions?.forgetBefore(window.to - this.#overlapMs);
    for (const fields of told) events.push(make(fields));
    return events;
  }

  get #overlapMs(): number {
    return this.#config.mode === 'range' ? this.#config.overlapMs : 0;
  }

  /** Gives the time of the last sample; where some are missing between two, or at the end, the series was stale. */
  #samples(
    raw: RawSeries,
    series: Series,
    window: Window,
    events: PrometheusEvent[],
    told: MetricFields[],
  ): number | undefined {
    const { thresholds } = this.#mode;
    const { stepMs } = this.#config;
    const tracked = thresholds.isEmpty ? NONE : thresholds.of(series);
    let last = this.#known.has(series.key) ? window.until : undefined;
    for (const [seconds, text] of raw.values) {
      const at = toMilliseconds(seconds);
      const time = this.#config.mode === 'instant' ? window.to : at;
      const isNew = time > window.until;
      // Undefined: it was read before, and is as it was.
      const revision =
        this.#revisions === undefined ? (isNew ? 0 : undefined) : this.#revisions.note(series.key, at, text);
      const value = readNumber(text);
      if (isNew) {
        if (last !== undefined && time - last > stepMs) told.push(staleFields(series, { last, time: last + stepMs }));
        last = time;
        if (value !== undefined) for (const each of tracked) each.sample(time, value, told);
      }
      if (revision === undefined || value === undefined || !this.#config.samples) continue;
      events.push(this.#sample(series, at, value, revision));
    }
    const isOver = last !== undefined && last < window.to;
    if (isOver) told.push(staleFields(series, { last: last as number, time: (last as number) + stepMs }));
    return last;
  }

  #sample(series: Series, time: number, number: number, revision: number): PrometheusEvent {
    const { key, metric, labels, query = '' } = series;
    const value = metricValue(number);
    return this.#mode.make({
      type: 'metric.sample',
      id: revision > 0 ? `${key}@${time}~${revision}` : `${key}@${time}`,
      subject: key,
      time: this.#timeText(time),
      data: revision > 0 ? { query, metric, labels, value, revision } : { query, metric, labels, value },
    });
  }

  #seriesOf({ metric: { __name__: metric = '', ...labels } }: RawSeries): Series {
    return toSeries(metric, labels, this.#query.name);
  }

  #timeText(time: number): string {
    let text = this.#times.get(time);
    if (text === undefined) {
      text = new Date(time).toISOString();
      this.#times.set(time, text);
    }
    return text;
  }
}

function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1_000);
}
