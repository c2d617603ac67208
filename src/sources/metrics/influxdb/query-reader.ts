import { FatalError } from '../../../core/errors.js';
import type { ReadContext, SourceBatch } from '../../../core/read-options.js';
import type { MetricEvent, MetricFields } from '../events.js';
import { Revisions } from '../revisions.js';
import { type Series, toSeries } from '../series.js';
import type { Thresholds } from '../threshold/thresholds.js';
import { metricValue } from '../value.js';
import type { InfluxdbClient } from './client.js';
import type { InfluxdbConfig } from './config.js';
import type { InfluxdbCursor } from './cursor.js';
import { fromMilliseconds, instantText, toMilliseconds } from './instant.js';
import type { Point, PointAnswer, PointSeries } from './point.js';

/** Events of one batch, about. */
const EVENTS_AT_ONCE = 1_000;

/** What a reader is given by the source. */
export interface QueryContext {
  readonly client: InfluxdbClient;
  readonly context: ReadContext<InfluxdbCursor>;
  readonly config: InfluxdbConfig;
  readonly thresholds: Thresholds;
  make(fields: MetricFields): MetricEvent;
  onDropped(reason: string, count: number): void;
}

export type InfluxdbBatch = SourceBatch<MetricEvent, InfluxdbCursor>;

/** From `from` to `to`, which is not included; before `until` samples are read again. */
interface Window {
  readonly from: bigint;
  readonly until: bigint;
  readonly to: bigint;
}

interface Sorted {
  readonly series: Series;
  readonly points: readonly Point[];
}

/** One query, window after window. */
export class QueryReader {
  readonly #query: QueryContext;
  readonly #name: string;
  readonly #text: string;
  readonly #revisions: Revisions | undefined;
  #windowMs: number;

  private constructor(query: QueryContext, name: string, text: string, revisions: Revisions | undefined) {
    this.#query = query;
    this.#name = name;
    this.#text = text;
    this.#revisions = revisions;
    this.#windowMs = this.#whole(query.config.windowMs);
  }

  static async open(
    query: QueryContext,
    { name, query: text }: InfluxdbConfig['queries'][number],
  ): Promise<QueryReader> {
    const { overlapMs } = query.config;
    const revisions = overlapMs > 0 ? await Revisions.load(query.context.state, name) : undefined;
    return new QueryReader(query, name, text, revisions);
  }

  /** Everything before `now`, in milliseconds; gives the position behind it. */
  async *read(cursor: InfluxdbCursor, now: number): AsyncGenerator<InfluxdbBatch, InfluxdbCursor, undefined> {
    const end = this.#aligned(now);
    let at = cursor;
    for (;;) {
      const known = at.until[this.#name];
      if (known === undefined) {
        const start = this.#start(end);
        at = { ...at, until: { ...at.until, [this.#name]: String(start) } };
        // Where it begins is known now, and stays, also when there is nothing to be read yet.
        if (start >= end) yield { events: [], cursor: at };
        continue;
      }
      const until = BigInt(known);
      const part = at.part?.query === this.#name ? at.part : undefined;
      if (until >= end && part === undefined) return at;
      const window = this.#window(until, end, part);
      const answer = await this.#ask(window, part !== undefined);
      if (answer !== undefined) at = yield* this.#batches(answer, window, at, part?.after);
    }
  }

  /** The series in the order of their keys, some at a time. */
  async *#batches(
    { series, notNumbers }: PointAnswer,
    window: Window,
    from: InfluxdbCursor,
    after: string | undefined,
  ): AsyncGenerator<InfluxdbBatch, InfluxdbCursor, undefined> {
    const { thresholds, onDropped } = this.#query;
    if (notNumbers > 0) onDropped('not-a-number', notNumbers);
    let events: MetricEvent[] = [];
    let told: MetricFields[] = [];
    for (const each of this.#sorted(series)) {
      if (after !== undefined && each.series.key <= after) continue;
      this.#samples(each, window, events, told);
      if (events.length + told.length < EVENTS_AT_ONCE) continue;
      const part = { query: this.#name, to: String(window.to), after: each.series.key };
      yield { events: this.#joined(events, told), cursor: { until: from.until, part } };
      events = [];
      told = [];
    }
    thresholds.missing(toMilliseconds(window.to), told);
    this.#revisions?.forgetBefore(toMilliseconds(window.to - (window.until - window.from)));
    const cursor = { until: { ...from.until, [this.#name]: String(window.to) } };
    yield { events: this.#joined(events, told), cursor };
    return cursor;
  }

  #sorted(all: readonly PointSeries[]): readonly Sorted[] {
    const sorted = all.map(({ metric, labels, points }) => ({
      series: toSeries(metric, labels, this.#name),
      points: points.sort((one, other) => (one.time < other.time ? -1 : one.time > other.time ? 1 : 0)),
    }));
    return sorted.sort((one, other) => (one.series.key < other.series.key ? -1 : 1));
  }

  #samples({ series, points }: Sorted, window: Window, events: MetricEvent[], told: MetricFields[]): void {
    const { thresholds, config } = this.#query;
    const tracked = thresholds.isEmpty ? [] : thresholds.of(series);
    for (const { time, value } of points) {
      // What the query itself does not limit would come again with every window.
      if (time < window.from || time >= window.to) continue;
      const isNew = time >= window.until;
      const revision = this.#revisions?.note(`${series.key}@${time}`, toMilliseconds(time), String(value));
      if (isNew) for (const each of tracked) each.sample(toMilliseconds(time), value, told);
      if (!config.samples || (this.#revisions === undefined ? !isNew : revision === undefined)) continue;
      events.push(this.#sample(series, time, value, revision ?? 0));
    }
  }

  #sample({ key, metric, labels, query = '' }: Series, time: bigint, number: number, revision: number): MetricEvent {
    const value = metricValue(number);
    return this.#query.make({
      type: 'metric.sample',
      id: revision > 0 ? `${key}@${time}~${revision}` : `${key}@${time}`,
      subject: key,
      time: instantText(time),
      data: { query, metric, labels, value, ...(revision > 0 && { revision }) },
    });
  }

  #joined(events: MetricEvent[], told: readonly MetricFields[]): readonly MetricEvent[] {
    for (const fields of told) events.push(this.#query.make(fields));
    return events;
  }

  #start(end: bigint): bigint {
    const { since } = this.#query.config;
    return since === undefined ? end : this.#aligned(Date.parse(since));
  }

  /** A group of the query must not be cut in two: its value would be that of a half. */
  #aligned(milliseconds: number): bigint {
    const { stepMs } = this.#query.config;
    return fromMilliseconds(Math.floor(milliseconds / stepMs) * stepMs);
  }

  /** So much, in whole groups; at least one. */
  #whole(milliseconds: number): number {
    const { stepMs } = this.#query.config;
    return Math.max(stepMs, Math.floor(milliseconds / stepMs) * stepMs);
  }

  /** As far as is asked for at once; exactly as far as before, where a part of it was delivered. */
  #window(until: bigint, end: bigint, part: InfluxdbCursor['part']): Window {
    const { overlapMs, stepMs } = this.#query.config;
    const again = fromMilliseconds(Math.ceil(overlapMs / stepMs) * stepMs);
    const most = until + fromMilliseconds(this.#windowMs);
    const to = part === undefined ? (most < end ? most : end) : BigInt(part.to);
    return { from: until - again, until, to };
  }

  /** Undefined where it was too much, and less is to be asked for. */
  async #ask({ from, to }: Window, isFixed: boolean): Promise<PointAnswer | undefined> {
    const { client, context } = this.#query;
    try {
      return await client.query(this.#text, { from, to }, context.signal);
    } catch (error) {
      const isTooMuch = FatalError.isInstance(error) && error.code === 'HTTP_BODY_TOO_LARGE';
      if (!isTooMuch || isFixed || this.#windowMs <= this.#query.config.stepMs) throw error;
      this.#windowMs = this.#whole(this.#windowMs / 2);
      return undefined;
    }
  }
}
