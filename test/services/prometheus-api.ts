import type { ServerResponse } from 'node:http';
import { FaultyApi, json } from './faulty-api.js';

/** The value of a series at a time, in milliseconds; undefined where it has none. */
export type Value = (time: number) => number | string | undefined;

interface Stored {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: Value;
}

const MOST_POINTS = 11_000;

/**
 * The HTTP API of Prometheus over series that are functions of time. It knows no PromQL: a query is the name of a metric,
 * and `time()` is the time.
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/
 */
export class PrometheusApi extends FaultyApi {
  /** Its clock. */
  now: () => number = Date.now;
  warnings: readonly string[] = [];
  /** Samples of an answer beyond which it refuses. */
  mostSamples = Number.POSITIVE_INFINITY;
  readonly #series: Stored[] = [];

  static async start(): Promise<PrometheusApi> {
    const api = new PrometheusApi();
    await api.listen();
    return api;
  }

  add(labels: Readonly<Record<string, string>>, value: Value): void {
    this.#series.push({ labels, value });
  }

  protected answer(url: URL, query: URLSearchParams, response: ServerResponse): void {
    if (url.pathname === '/api/v1/query') this.#instant(query, response);
    else if (url.pathname === '/api/v1/query_range') this.#range(query, response);
    else response.writeHead(404).end();
  }

  #instant(query: URLSearchParams, response: ServerResponse): void {
    const text = query.get('query') ?? '';
    const at = query.get('time') === null ? this.now() : Number(query.get('time')) * 1_000;
    if (text === 'time()') return this.#reply(response, 'scalar', [this.now() / 1_000, String(this.now() / 1_000)]);
    if (text.includes('(')) return refuse(response, 400, 'bad_data', 'parse error: unclosed left parenthesis');
    const result = this.#named(text).flatMap(({ labels, value }) => {
      const found = value(at);
      return found === undefined ? [] : [{ metric: labels, value: [at / 1_000, String(found)] }];
    });
    this.#reply(response, 'vector', result);
  }

  #range(query: URLSearchParams, response: ServerResponse): void {
    const [start, end, step] = ['start', 'end', 'step'].map((name) => Math.round(Number(query.get(name)) * 1_000)) as [
      number,
      number,
      number,
    ];
    const text = query.get('query') ?? '';
    if ((end - start) / step > MOST_POINTS) {
      return refuse(
        response,
        400,
        'bad_data',
        `exceeded maximum resolution of ${MOST_POINTS} points per timeseries. Try decreasing the query resolution (?step=XX)`,
      );
    }
    if (text.includes('(')) return refuse(response, 400, 'bad_data', 'parse error: unclosed left parenthesis');
    const result = this.#named(text).flatMap(({ labels, value }) => {
      const values: [number, string][] = [];
      for (let at = start; at <= end; at += step) {
        const found = value(at);
        if (found !== undefined) values.push([at / 1_000, String(found)]);
      }
      return values.length === 0 ? [] : [{ metric: labels, values }];
    });
    const count = result.reduce((sum, { values }) => sum + values.length, 0);
    if (count > this.mostSamples)
      return refuse(
        response,
        422,
        'execution',
        'query processing would load too many samples into memory in query execution',
      );
    this.#reply(response, 'matrix', result);
  }

  #named(metric: string): readonly Stored[] {
    return this.#series.filter(({ labels }) => labels['__name__'] === metric);
  }

  #reply(response: ServerResponse, resultType: string, result: unknown): void {
    const warnings = this.warnings.length === 0 ? {} : { warnings: this.warnings };
    json(response, 200, { status: 'success', data: { resultType, result }, ...warnings });
  }
}

function refuse(response: ServerResponse, status: number, errorType: string, error: string): void {
  json(response, status, { status: 'error', errorType, error });
}
