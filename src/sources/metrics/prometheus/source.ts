import { BatchEventSource } from '../../../core/batch-event-source.js';
import { parseConfig } from '../../../core/config.js';
import type { ReadContext } from '../../../core/read-options.js';
import type { Secret } from '../../../core/secret.js';
import type { Problem, SourceOptions, ValidationResult } from '../../../core/source-definition.js';
import { validation } from '../../../toolkit/validation.js';
import { readAccess } from '../access.js';
import { metricEvents } from '../events.js';
import { Thresholds } from '../threshold/thresholds.js';
import { PrometheusClient } from './client.js';
import {
  type PrometheusConfig,
  type PrometheusConfigInput,
  type PrometheusCredentials,
  prometheusConfig,
  prometheusCredentials,
} from './config.js';
import { type PrometheusCursor, prometheusCursor } from './cursor.js';
import { parseExposition } from './exposition.js';
import type { ModeContext, PrometheusBatch } from './mode.js';
import type { PrometheusEvent } from './prometheus-events.js';
import { readQueries } from './queries.js';
import { readScrapes } from './scrapes.js';

/**
 * Samples of Prometheus: what queries in PromQL give, step after step, or what a `/metrics` endpoint says, and the
 * thresholds that they cross. Needs a cursor store, which keeps what is known of series.
 *
 * @example
 * const factory = new EventSourceFactory({ sources: builtinSources, cursorStore: new FileCursorStore('.cursors') });
 * const source = await factory.create('prometheus', {
 *   id: 'load',
 *   config: {
 *     mode: 'range',
 *     url: 'http://prometheus:9090',
 *     queries: [{ name: 'load', query: 'node_load1' }],
 *     thresholds: [{ name: 'too much', operator: 'gt', value: 8, clear: 6, forMs: 300_000 }],
 *   },
 * });
 * for await (const event of source.generateEvents({ follow: true })) {
 *   if (event.type === 'metric.threshold.crossed') console.log(event.subject, event.data.condition, event.data.value);
 * }
 */
export class PrometheusSource extends BatchEventSource<PrometheusEvent, PrometheusCursor, PrometheusConfig> {
  static readonly definition = {
    type: 'prometheus',
    config: prometheusConfig,
    credentials: prometheusCredentials,
    cursor: { version: 1, schema: prometheusCursor },
    capabilities: {
      kind: 'pull',
      delivery: 'at-least-once',
      position: 'state',
      ids: 'stable',
      deletes: false,
      notes: [
        'Mode range misses what is ingested later than `lagMs`, unless `overlapMs` reaches back to it.',
        'Modes instant and scrape see what is there when they ask: what happens in between, or while nobody asks, is not seen.',
      ],
    },
    events: {
      ...metricEvents,
      'metric.series.stale': { description: 'A series that was there brings no sample any more.' },
    },
  } as const;

  /** @throws ConfigError with everything that is wrong with configuration or credentials; Prometheus is not asked. */
  static async create(
    options: SourceOptions<PrometheusConfigInput, PrometheusCredentials, PrometheusCursor>,
  ): Promise<PrometheusSource> {
    const config = await parseConfig(prometheusConfig, options);
    return new PrometheusSource({ ...options, config }, await readAccess(options));
  }

  readonly type = 'prometheus';
  readonly #credentials: Secret<PrometheusCredentials | undefined>;
  readonly #dispatcher: object | undefined;

  private constructor(
    options: SourceOptions<PrometheusConfig, PrometheusCredentials, PrometheusCursor>,
    credentials: Secret<PrometheusCredentials | undefined>,
  ) {
    super(options as SourceOptions<PrometheusConfig, unknown, PrometheusCursor>);
    this.#credentials = credentials;
    this.#dispatcher = options.dispatcher;
  }

  /** The address. */
  override origin(): string {
    return `prometheus:${this.config.url}`;
  }

  /** Whether it answers, and takes the queries; what it warns of them. */
  async validate(options: { signal?: AbortSignal | undefined } = {}): Promise<ValidationResult> {
    const signal = options.signal ?? new AbortController().signal;
    const client = this.#client();
    try {
      return await validation(signal, () => this.#findProblems(client, signal));
    } finally {
      await client.close();
    }
  }

  protected async *readBatches(
    context: ReadContext<PrometheusCursor>,
  ): AsyncGenerator<PrometheusBatch, void, undefined> {
    const client = this.#client();
    context.defer(() => client.close());
    const mode = await this.#mode(client, context);
    const { config } = this;
    if (config.mode === 'scrape') yield* readScrapes(mode, config);
    else yield* readQueries(mode, config);
  }

  async #findProblems(client: PrometheusClient, signal: AbortSignal): Promise<readonly Problem[]> {
    const { config } = this;
    if (config.mode === 'scrape') {
      const { text, isOpenMetrics } = await client.scrape(signal);
      const { samples } = parseExposition(text, isOpenMetrics);
      if (samples.length > 0) return [];
      return [{ severity: 'error', code: 'PROMETHEUS_ANSWER', message: `${config.url} has no metrics` }];
    }
    const now = await client.now(signal);
    const problems: Problem[] = [];
    for (const { name, query } of config.queries) {
      const { series, warnings } = await client.query(query, now, signal);
      for (const warning of warnings) {
        problems.push({ severity: 'warning', code: 'PROMETHEUS_WARNING', message: `query "${name}": ${warning}` });
      }
      if (series.length === 0) {
        const message = `query "${name}" finds no series now`;
        problems.push({
          severity: 'warning',
          code: 'PROMETHEUS_EMPTY',
          message,
          fix: 'check names of metrics and labels',
        });
      }
    }
    return problems;
  }

  async #mode(client: PrometheusClient, context: ReadContext<PrometheusCursor>): Promise<ModeContext> {
    const { thresholds: rules, maxSeries } = this.config;
    const onDropped = (reason: string): void => this.countDropped(reason);
    return {
      sourceId: this.id,
      client,
      context,
      clock: this.clock,
      logger: this.logger,
      thresholds: await Thresholds.load({
        rules,
        maxSeries,
        state: context.state,
        onDropped: () => onDropped('threshold-series'),
      }),
      make: (fields) => this.event(fields as never) as PrometheusEvent,
      onDropped,
      onReading: () => this.setStatus({ state: 'reading' }),
      onCaughtUp: () => this.setStatus({ state: 'caught-up' }),
    };
  }

  #client(): PrometheusClient {
    return new PrometheusClient({
      sourceId: this.id,
      config: this.config,
      credentials: this.#credentials.reveal(),
      clock: this.clock,
      logger: this.logger,
      dispatcher: this.#dispatcher,
      count: (counter, by) => this.count(counter, by),
      onStatus: (status) => this.setStatus(status),
    });
  }
}
