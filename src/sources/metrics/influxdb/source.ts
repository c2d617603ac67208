import { BatchEventSource } from '../../../core/batch-event-source.js';
import { parseConfig } from '../../../core/config.js';
import type { ReadContext } from '../../../core/read-options.js';
import type { Secret } from '../../../core/secret.js';
import type { Problem, SourceOptions, ValidationResult } from '../../../core/source-definition.js';
import { poll } from '../../../toolkit/poll.js';
import { validation } from '../../../toolkit/validation.js';
import { readAccess } from '../access.js';
import { type MetricEvent, metricEvents } from '../events.js';
import { Thresholds } from '../threshold/thresholds.js';
import { InfluxdbClient } from './client.js';
import {
  type InfluxdbConfig,
  type InfluxdbConfigInput,
  type InfluxdbCredentials,
  influxdbConfig,
  influxdbCredentials,
} from './config.js';
import { type InfluxdbCursor, influxdbCursor, parseCursor } from './cursor.js';
import { fromMilliseconds } from './instant.js';
import { type InfluxdbBatch, type QueryContext, QueryReader } from './query-reader.js';

/**
 * Samples of InfluxDB: what queries in InfluxQL (InfluxDB 1), Flux (2) or SQL (3) give, one window of time after the
 * other, and the thresholds that they cross. Needs a cursor store where there are thresholds or an overlap. Flux and
 * SQL are experimental.
 *
 * @example
 * const source = await InfluxdbSource.create({
 *   id: 'cpu',
 *   config: {
 *     language: 'influxql',
 *     url: 'http://influxdb:8086',
 *     database: 'telegraf',
 *     queries: [
 *       { name: 'idle', query: 'SELECT usage_idle FROM cpu WHERE time >= $from AND time < $to GROUP BY host' },
 *     ],
 *   },
 * });
 * for await (const event of source.generateEvents({ follow: true })) {
 *   if (event.type === 'metric.sample') console.log(event.time, event.data.labels, event.data.value);
 * }
 */
export class InfluxdbSource extends BatchEventSource<MetricEvent, InfluxdbCursor, InfluxdbConfig> {
  static readonly definition = {
    type: 'influxdb',
    config: influxdbConfig,
    credentials: influxdbCredentials,
    cursor: { version: 1, schema: influxdbCursor },
    capabilities: {
      kind: 'pull',
      delivery: 'at-least-once',
      position: 'state',
      ids: 'stable',
      deletes: false,
      notes: ['What is written later than `lagMs` is missed, unless `overlapMs` reaches back to it.'],
    },
    events: metricEvents,
  } as const;

  /** @throws ConfigError with everything that is wrong with configuration or credentials; InfluxDB is not asked. */
  static async create(
    options: SourceOptions<InfluxdbConfigInput, InfluxdbCredentials, InfluxdbCursor>,
  ): Promise<InfluxdbSource> {
    const config = await parseConfig(influxdbConfig, options);
    return new InfluxdbSource({ ...options, config }, await readAccess(options));
  }

  readonly type = 'influxdb';
  readonly #credentials: Secret<InfluxdbCredentials | undefined>;
  readonly #dispatcher: object | undefined;

  private constructor(
    options: SourceOptions<InfluxdbConfig, InfluxdbCredentials, InfluxdbCursor>,
    credentials: Secret<InfluxdbCredentials | undefined>,
  ) {
    super(options as SourceOptions<InfluxdbConfig, unknown, InfluxdbCursor>);
    this.#credentials = credentials;
    this.#dispatcher = options.dispatcher;
  }

  /** The address, and the database or organisation. */
  override origin(): string {
    const { config } = this;
    return `influxdb:${config.url}:${config.language === 'flux' ? config.org : config.database}`;
  }

  /** Whether it answers, and takes the queries. */
  async validate(options: { signal?: AbortSignal | undefined } = {}): Promise<ValidationResult> {
    const signal = options.signal ?? new AbortController().signal;
    const client = this.#client();
    try {
      return await validation(signal, () => this.#findProblems(client, signal));
    } finally {
      await client.close();
    }
  }

  protected async *readBatches(context: ReadContext<InfluxdbCursor>): AsyncGenerator<InfluxdbBatch, void, undefined> {
    const client = this.#client();
    context.defer(() => client.close());
    const { clock, config } = this;
    const { signal, follow } = context;
    let cursor = parseCursor(context.cursor, this.id);
    const query = await this.#queryContext(client, context);
    const readers: QueryReader[] = [];
    for (const each of config.queries) readers.push(await QueryReader.open(query, each));
    const source = this;
    const round = async function* (): AsyncGenerator<InfluxdbBatch, void, undefined> {
      source.setStatus({ state: 'reading' });
      // By the clock of InfluxDB: by one that goes wrong, times that are still to come would count as read.
      const now = (await client.now(signal)) - config.lagMs;
      for (const reader of readers) cursor = yield* reader.read(cursor, now);
    };
    const onCaughtUp = (): void => this.setStatus({ state: 'caught-up' });
    yield* poll(round, { clock, signal, follow, intervalMs: config.pollIntervalMs, onCaughtUp });
  }

  async #findProblems(client: InfluxdbClient, signal: AbortSignal): Promise<readonly Problem[]> {
    const to = fromMilliseconds(await client.now(signal));
    const problems: Problem[] = [];
    for (const { name, query } of this.config.queries) {
      const { series } = await client.query(query, { from: to - fromMilliseconds(60_000), to }, signal);
      if (series.length > 0) continue;
      const message = `query "${name}" finds nothing in the last minute`;
      const fix = 'check names of measurements and fields';
      problems.push({ severity: 'warning', code: 'INFLUXDB_EMPTY', message, fix });
    }
    return problems;
  }

  async #queryContext(client: InfluxdbClient, context: ReadContext<InfluxdbCursor>): Promise<QueryContext> {
    const { config } = this;
    const { thresholds: rules, maxSeries } = config;
    const onDropped = (reason: string, count: number): void => this.countDropped(reason, count);
    return {
      client,
      context,
      config,
      thresholds: await Thresholds.load({
        rules,
        maxSeries,
        state: context.state,
        onDropped: () => onDropped('threshold-series', 1),
      }),
      make: (fields) => this.event(fields as never) as MetricEvent,
      onDropped,
    };
  }

  #client(): InfluxdbClient {
    return new InfluxdbClient({
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
