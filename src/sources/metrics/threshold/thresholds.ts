import type { KeyedState } from '../../../core/keyed-state.js';
import type { MetricFields, MetricThresholdData } from '../events.js';
import type { Labels, Series } from '../series.js';
import { metricValue } from '../value.js';
import { conditionText, type Predicate, predicatesOf, type ThresholdRule } from './rule.js';

/** What is known of one series under one rule; nothing, where the condition does not hold and need not be missed. */
interface Known {
  /** 'ok', 'pending' (it holds, not yet long enough), 'crossed', 'clearing' (it holds no longer, not yet long enough). */
  readonly phase: 'ok' | 'pending' | 'crossed' | 'clearing';
  /** When the phase began, in the time of the samples. For 'clearing': when it began to hold no longer. */
  readonly since: number;
  /** The last sample that counted. */
  readonly last: number;
  readonly metric: string;
  readonly labels: Labels;
  readonly query?: string;
}

export interface ThresholdOptions {
  readonly rules: readonly ThresholdRule[];
  readonly state: KeyedState;
  /** Series that are looked after; of more, nothing is told. */
  readonly maxSeries: number;
  /** A series is one too many. */
  onDropped(): void;
}

const PREFIX = 'threshold:';

interface Compiled {
  readonly rule: ThresholdRule;
  readonly crosses: Predicate;
  readonly clears: Predicate;
  readonly condition: string;
  /** It has to be known which series there are, also while all is well. */
  readonly remembersAll: boolean;
}

/**
 * Rules over the samples of many series, each a small state machine in the time of the samples: whatever stops and starts
 * in between changes nothing. What is known is keyed state, and is saved with the batch whose samples made it.
 */
export class Thresholds {
  readonly #options: ThresholdOptions;
  readonly #rules: readonly Compiled[];
  readonly #tracked = new Map<string, readonly Tracked[]>();
  readonly #stored = new Map<string, Known>();

  private constructor(options: ThresholdOptions) {
    this.#options = options;
    this.#rules = options.rules.map((rule) => ({
      rule,
      ...predicatesOf(rule),
      condition: conditionText(rule),
      remembersAll: rule.missing === 'cross',
    }));
  }

  /** With what is remembered; call it once for each iteration. */
  static async load(options: ThresholdOptions): Promise<Thresholds> {
    const thresholds = new Thresholds(options);
    if (options.rules.length === 0) return thresholds;
    for await (const [key, value] of options.state.entries(PREFIX)) thresholds.#stored.set(key, value as Known);
    for (const key of thresholds.#stored.keys()) thresholds.#restore(key);
    return thresholds;
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** What is looked after of a series. Ask once for many samples; an empty list, where no rule is about it. */
  of(series: Series): readonly Tracked[] {
    const known = this.#tracked.get(series.key);
    if (known !== undefined) return known;
    if (this.#tracked.size >= this.#options.maxSeries) {
      this.#options.onDropped();
      return NONE;
    }
    return this.#track(series);
  }

  /** What has become missing by a time of the samples. */
  missing(now: number, out: MetricFields[]): void {
    for (const tracked of this.#tracked.values()) for (const each of tracked) each.missing(now, out);
  }

  #track(series: Series): readonly Tracked[] {
    const own = this.#rules.filter(({ rule }) => isAbout(rule, series));
    const tracked = own.map((compiled) => {
      const key = keyOf(compiled.rule, series);
      return new Tracked(compiled, series, key, this.#stored.get(key), this.#options.state);
    });
    this.#tracked.set(series.key, tracked);
    return tracked;
  }

  /** A series whose samples may never come again is still looked after. */
  #restore(key: string): void {
    const { metric, labels, query } = this.#stored.get(key) as Known;
    const seriesKey = key.slice(key.indexOf('\n') + 1);
    if (this.#tracked.has(seriesKey)) return;
    this.#track({ key: seriesKey, metric, labels, ...(query !== undefined && { query }) });
  }
}

const NONE: readonly Tracked[] = [];

/** One series under one rule. */
export class Tracked {
  readonly #compiled: Compiled;
  readonly #series: Series;
  readonly #key: string;
  readonly #state: KeyedState;
  #known: Known | undefined;
  /** The time of the last sample that counted. */
  #last: number;

  constructor(compiled: Compiled, series: Series, key: string, known: Known | undefined, state: KeyedState) {
    this.#compiled = compiled;
    this.#series = series;
    this.#key = key;
    this.#known = known;
    this.#last = known?.last ?? Number.NEGATIVE_INFINITY;
    this.#state = state;
  }

  /** The next sample of the series, in order of time; one that is not later than the last is passed over. */
  sample(time: number, value: number, out: MetricFields[]): void {
    const known = this.#known;
    if (known === undefined) {
      if (this.#compiled.crosses(value)) this.#begin(time, value, out);
      else if (this.#compiled.remembersAll && !Number.isNaN(value)) this.#keep('ok', time, time);
      return;
    }
    if (time <= this.#last || Number.isNaN(value)) return;
    switch (known.phase) {
      case 'ok':
        if (this.#compiled.crosses(value)) this.#begin(time, value, out);
        else this.#keep('ok', known.since, time);
        return;
      case 'pending':
        if (!this.#compiled.crosses(value)) this.#rest(time);
        else if (time - known.since >= this.#compiled.rule.forMs) this.#cross(known.since, time, value, out);
        else this.#keep('pending', known.since, time);
        return;
      case 'crossed':
        if (this.#compiled.clears(value)) this.#beginToClear(time, value, out);
        else this.#keep('crossed', known.since, time);
        return;
      default:
        if (!this.#compiled.clears(value)) this.#keep('crossed', known.since, time);
        else if (time - known.since >= this.#compiled.rule.clearForMs) this.#clear(known.since, time, value, out);
        else this.#keep('clearing', known.since, time);
    }
  }

  missing(now: number, out: MetricFields[]): void {
    const known = this.#known;
    const { rule } = this.#compiled;
    if (known === undefined || rule.missing === 'keep' || now - this.#last < rule.missingAfterMs) return;
    const isCrossed = known.phase === 'crossed' || known.phase === 'clearing';
    if (rule.missing === 'clear') {
      if (isCrossed) this.#clear(now, now, undefined, out);
      else this.#rest(this.#last);
    } else if (!isCrossed) this.#cross(this.#last, now, undefined, out);
  }

  #begin(time: number, value: number, out: MetricFields[]): void {
    if (this.#compiled.rule.forMs === 0) this.#cross(time, time, value, out);
    else this.#keep('pending', time, time);
  }

  #beginToClear(time: number, value: number, out: MetricFields[]): void {
    if (this.#compiled.rule.clearForMs === 0) this.#clear(time, time, value, out);
    else this.#keep('clearing', time, time);
  }

  #cross(since: number, time: number, value: number | undefined, out: MetricFields[]): void {
    this.#keep('crossed', since, time);
    out.push(this.#told('metric.threshold.crossed', since, time, value));
  }

  #clear(since: number, time: number, value: number | undefined, out: MetricFields[]): void {
    this.#rest(time);
    out.push(this.#told('metric.threshold.cleared', since, time, value));
  }

  /** All is well. */
  #rest(time: number): void {
    if (this.#compiled.remembersAll) return this.#keep('ok', time, time);
    this.#known = undefined;
    this.#state.delete(this.#key);
  }

  /** While nothing changes, the last sample is remembered only for a rule that may miss the next. */
  #keep(phase: Known['phase'], since: number, last: number): void {
    this.#last = last;
    const before = this.#known;
    const isSame = before?.phase === phase && before.since === since;
    if (isSame && this.#compiled.rule.missing === 'keep') return;
    const { metric, labels, query } = this.#series;
    const known = { phase, since, last, metric, labels };
    this.#known = query === undefined ? known : { ...known, query };
    this.#state.set(this.#key, this.#known);
  }

  #told(type: MetricFields['type'], since: number, time: number, value: number | undefined): MetricFields {
    const { metric, labels, query, key } = this.#series;
    const { rule, condition } = this.#compiled;
    const data: { -readonly [Key in keyof MetricThresholdData]: MetricThresholdData[Key] } = {
      rule: rule.name,
      metric,
      labels,
      condition,
      since: isoTime(since),
    };
    if (query !== undefined) data.query = query;
    if (value !== undefined) data.value = metricValue(value);
    return {
      type,
      id: `${rule.name}:${key}@${time}:${type === 'metric.threshold.crossed' ? 'crossed' : 'cleared'}`,
      subject: key,
      time: isoTime(time),
      data,
    };
  }
}

let lastTime = Number.NaN;
let lastText = '';

/** The samples of many series have the same time. */
function isoTime(time: number): string {
  if (time !== lastTime) {
    lastText = new Date(time).toISOString();
    lastTime = time;
  }
  return lastText;
}

function keyOf({ name }: ThresholdRule, { key }: Series): string {
  return `${PREFIX}${name}\n${key}`;
}

function isAbout({ metric, query, labels }: ThresholdRule, series: Series): boolean {
  if (metric !== undefined && metric !== series.metric) return false;
  if (query !== undefined && query !== series.query) return false;
  return labels === undefined || Object.entries(labels).every(([name, value]) => series.labels[name] === value);
}
