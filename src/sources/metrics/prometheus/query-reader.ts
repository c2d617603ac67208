import { FatalError } from '../../../core/errors.js';
import type { MetricFields } from '../events.js';
import { Revisions } from '../revisions.js';
import { type Series, toSeries } from '../series.js';
import type { Tracked } from '../threshold/thresholds.js';
import { metricValue, readNumber } from '../value.js';
import type { QueryAnswer, RawSeries } from './client.js';
import type { QueriedConfig } from './config.js';
import type { PrometheusCursor } from './cursor.js';
import { KnownSeries, staleFields } from './known-series.js';
import type { ModeContext, PrometheusBatch } from './mode.js';
import type { PrometheusEvent } from './prometheus-events.js';
import { alignedBefore, WindowSize } from './windows.js';

const NONE: readonly Tracked[] = [];
/** Events of one batch, about. */
const EVENTS_AT_ONCE = 1_000;

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
    return new QueryReader(
      mode,
      config,
      query,
      known,
      isReadAgain ? await Revisions.load(state, query.name) : undefined,
    );
  }

  /** Everything up to `end`; gives the position behind it. */
  async *read(cursor: PrometheusCursor, end: number): AsyncGenerator<PrometheusBatch, PrometheusCursor, undefined> {
    const { name } = this.#query;
    let at = cursor;
    for (;;) {
      const until = at.until[name] ?? this.#start(end);
      const part = at.part?.query === name ? at.part : undefined;
      if (until >= end && part === undefined) return at;
      const window = this.#window(until, part?.to ?? Math.max(until, end), part !== undefined);
      const answer = await this.#ask(window);
      if (answer === undefined) continue;
      this.#warn(answer);
      this.#size.learn(answer.series.length);
      at = yield* this.#batches(answer, window, { ...at, until: { ...at.until, [name]: until } }, part?.after);
    }
  }

  /** The series in the order of their keys, some at a time: what is handed out is short-lived, and cheap. */
  async *#batches(
    answer: QueryAnswer,
    window: Window,
    from: PrometheusCursor,
    after: string | undefined,
  ): AsyncGenerator<PrometheusBatch, PrometheusCursor, undefined> {
    const { name } = this.#query;
    const all = answer.series.map((raw) => ({ raw, series: this.#seriesOf(raw) }));
    all.sort((one, other) => (one.series.key < other.series.key ? -1 : 1));
    const present = new Map<string, Series>();
    this.#times = new Map();
    let events: PrometheusEvent[] = [];
    let told: MetricFields[] = [];
    for (const { raw, series } of all) {
      const isDelivered = after !== undefined && series.key <= after;
      const last = isDelivered ? lastOf(raw, this.#config, window) : this.#samples(raw, series, window, events, told);
      if (last === window.to) present.set(series.key, series);
      else if (!isDelivered) this.#known.forget(series.key);
      if (events.length + told.length < EVENTS_AT_ONCE) continue;
      const part = { query: name, to: window.to, after: series.key };
      yield { events: this.#joined(events, told), cursor: { until: from.until, part } };
      events = [];
      told = [];
    }
    told.push(...this.#known.update(present, { last: window.until, time: window.until + this.#config.stepMs }));
    this.#mode.thresholds.missing(window.to, told);
    this.#revisions?.forgetBefore(window.to - this.#overlapMs);
    const cursor = { until: { ...from.until, [name]: window.to } };
    yield { events: this.#joined(events, told), cursor };
    return cursor;
  }

  #joined(events: PrometheusEvent[], told: readonly MetricFields[]): readonly PrometheusEvent[] {
    for (const fields of told) events.push(this.#mode.make(fields));
    return events;
  }

  #start(end: number): number {
    const { stepMs, mode } = this.#config;
    if (mode === 'range' && this.#config.since !== undefined) {
      return alignedBefore(Date.parse(this.#config.since) - 1, stepMs);
    }
    return end - stepMs;
  }

  /** As far as is asked for at once; `isWhole`: exactly up to `end`, where a part of it was delivered. */
  #window(until: number, end: number, isWhole: boolean): Window {
    const { stepMs, mode } = this.#config;
    // Only the present value was asked for.
    if (mode === 'instant') return { from: end, until: end - stepMs, to: end };
    const to = isWhole ? end : Math.min(end, until + this.#size.steps * stepMs);
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

/** The time of the last sample; undefined where there is none in the window. */
function lastOf({ values }: RawSeries, { mode }: QueriedConfig, { to }: Window): number | undefined {
  const last = values.at(-1);
  if (last === undefined) return undefined;
  return mode === 'instant' ? to : toMilliseconds(last[0]);
}

function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1_000);
}
