import type { Clock } from '../../../core/clock.js';
import type { KeyedState } from '../../../core/keyed-state.js';
import type { MetricFields } from '../events.js';
import { toSeries } from '../series.js';
import { Thresholds } from '../threshold/thresholds.js';
import { metricValue } from '../value.js';
import { Aggregates } from './aggregates.js';
import type { StatsdConfig } from './config.js';
import { checkFields, happeningFields, type StatsdFields, type StatsdSampleData } from './events.js';
import { parseLine, type StatsdKind, type StatsdMetric, type StatsdTags } from './parse.js';

export interface TakingOptions {
  readonly config: StatsdConfig;
  readonly clock: Clock;
  take(fields: StatsdFields): void;
  drop(reason: string, count?: number): void;
}

interface Sample {
  readonly metric: string;
  readonly kind: StatsdKind;
  readonly tags: StatsdTags;
  readonly value: number;
  readonly time: number;
  readonly rate?: number;
  readonly isDelta?: boolean;
}

/** What becomes of lines: samples at once, or aggregates when their interval is over; and what thresholds tell of either. */
export class Taking {
  readonly #options: TakingOptions;
  readonly #aggregates: Aggregates;
  readonly #memory = new Memory();
  #thresholds: Thresholds | undefined;
  #stopped = new AbortController();

  constructor(options: TakingOptions) {
    this.#options = options;
    const { percentiles, maxSeries } = options.config;
    this.#aggregates = new Aggregates(percentiles, maxSeries);
  }

  async start(): Promise<void> {
    const { thresholds: rules, maxSeries, emit } = this.#options.config;
    const onDropped = (): void => this.#options.drop('threshold-series');
    this.#thresholds = await Thresholds.load({ rules, maxSeries, state: this.#memory, onDropped });
    this.#stopped = new AbortController();
    if (emit === 'aggregates' || rules.some(({ missing }) => missing !== 'keep')) void this.#run(this.#stopped.signal);
  }

  /** What came until now is told. */
  stop(): void {
    this.#stopped.abort();
    this.#flush();
  }

  /** Some lines; one that cannot be understood does its neighbours no harm. */
  receive(text: string): void {
    if (text.indexOf('\n') < 0) return this.#line(text);
    for (const line of text.split('\n')) this.#line(line);
  }

  #line(raw: string): void {
    const text = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (text === '') return;
    const { clock, config, take, drop } = this.#options;
    const line = parseLine(text);
    switch (line.line) {
      case 'metric':
        if (config.emit === 'samples') this.#samples(line);
        else if (!this.#aggregates.add(line)) drop('series', line.values.length);
        return;
      case 'event':
        return take(happeningFields(line, clock.now()));
      case 'check':
        return take(checkFields(line, clock.now()));
      default: {
        const time = new Date(clock.now()).toISOString();
        const data = { reason: line.reason, line: line.text };
        take({ type: 'statsd.error', subject: line.reason, time, data });
      }
    }
  }

  #samples({ name: metric, kind, tags, values, rate, isDelta, time = this.#options.clock.now() }: StatsdMetric): void {
    for (const value of values) {
      const number = kind === 'set' ? 1 : Number(value);
      this.#tell(
        { metric, kind, tags, value: number, time, rate, isDelta },
        kind === 'set' ? String(value) : undefined,
      );
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, config } = this.#options;
    const pause = (): Promise<boolean> =>
      clock.sleep(config.flushMs, signal).then(
        () => true,
        () => false,
      );
    while (await pause()) this.#flush();
  }

  #flush(): void {
    const time = this.#options.clock.now();
    for (const aggregate of this.#aggregates.flush()) this.#tell({ ...aggregate, time });
    const told: MetricFields[] = [];
    this.#thresholds?.missing(time, told);
    this.#takeAll(told);
  }

  #tell({ metric, kind, tags: labels, value, time, rate = 1, isDelta = false }: Sample, member?: string): void {
    const series = toSeries(metric, labels);
    const data: StatsdSampleData = { metric, labels, kind, value: metricValue(value) };
    if (rate !== 1) data.rate = rate;
    if (isDelta) data.delta = true;
    if (member !== undefined) data.member = member;
    this.#options.take({ type: 'metric.sample', subject: series.key, time: new Date(time).toISOString(), data });
    const thresholds = this.#thresholds;
    if (thresholds === undefined || thresholds.isEmpty) return;
    const told: MetricFields[] = [];
    for (const each of thresholds.of(series)) each.sample(time, value, told);
    this.#takeAll(told);
  }

  #takeAll(told: readonly MetricFields[]): void {
    for (const { type, subject, time, data } of told) this.#options.take({ type, subject, time, data } as StatsdFields);
  }
}

/** What thresholds know, for as long as the process runs: of what came while it did not run nothing is known anyway. */
class Memory implements KeyedState {
  readonly #values = new Map<string, unknown>();

  async get(key: string): Promise<unknown> {
    return this.#values.get(key);
  }

  set(key: string, value: unknown): void {
    this.#values.set(key, value);
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  async *entries(prefix = ''): AsyncGenerator<[string, unknown]> {
    for (const entry of this.#values) if (entry[0].startsWith(prefix)) yield entry;
  }
}
