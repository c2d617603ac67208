import type { ServerResponse } from 'node:http';
import { FaultyApi, json } from './faulty-api.js';

interface Stored {
  readonly host: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly value: number;
}

/**
 * The query interface of InfluxDB 1 over points of one measurement, `load` by `host`. Of InfluxQL it reads the times alone.
 * @see https://docs.influxdata.com/influxdb/v1/tools/api/
 */
export class InfluxdbApi extends FaultyApi {
  /** Its clock. */
  now: () => number = Date.now;
  /** What was asked of it. */
  readonly queries: string[] = [];
  #points: Stored[] = [];

  static async start(): Promise<InfluxdbApi> {
    const api = new InfluxdbApi();
    await api.listen();
    return api;
  }

  add(...points: readonly Stored[]): void {
    this.#points.push(...points);
  }

  replace(point: Stored): void {
    this.#points = this.#points.filter(({ host, time }) => host !== point.host || time !== point.time);
    this.add(point);
  }

  protected answer(url: URL, form: URLSearchParams, response: ServerResponse): void {
    response.setHeader('date', new Date(this.now()).toUTCString());
    if (url.pathname === '/ping') return void response.writeHead(204).end();
    if (url.pathname !== '/query') return void response.writeHead(404).end();
    const query = form.get('q') ?? '';
    this.queries.push(query);
    const times = [...query.matchAll(/'([^']+)'/g)].map(([, text]) => Date.parse(text ?? ''));
    const [from = Number.NaN, to = Number.NaN] = times;
    const found = this.#points.filter(({ time }) => time >= from && time < to);
    const hosts = [...new Set(found.map(({ host }) => host))];
    const series = hosts.map((host) => ({
      name: 'load',
      tags: { host },
      columns: ['time', 'value'],
      values: found
        .filter((point) => point.host === host)
        .map(({ time, value }) => [new Date(time).toISOString(), value]),
    }));
    json(response, 200, { results: [{ statement_id: 0, ...(series.length > 0 && { series }) }] });
  }
}
