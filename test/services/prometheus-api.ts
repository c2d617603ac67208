import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

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
export class PrometheusApi {
  /** What was asked, without the times. */
  readonly requests: URL[] = [];
  /** Its clock. */
  now: () => number = Date.now;
  warnings: readonly string[] = [];
  /** Samples of an answer beyond which it refuses. */
  mostSamples = Number.POSITIVE_INFINITY;
  /** Who may ask; undefined: anybody. */
  authorization: string | undefined;
  readonly #server: Server;
  readonly #series: Stored[] = [];
  #faults: ((response: ServerResponse) => void)[] = [];
  #isHanging = false;
  #permanent: ((response: ServerResponse) => void) | undefined;
  #open = 0;

  static async start(): Promise<PrometheusApi> {
    const api = new PrometheusApi();
    api.#server.listen(0, '127.0.0.1');
    await once(api.#server, 'listening');
    return api;
  }

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on('connection', (socket) => {
      this.#open += 1;
      socket.on('close', () => {
        this.#open -= 1;
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get connections(): number {
    return this.#open;
  }

  add(labels: Readonly<Record<string, string>>, value: Value): void {
    this.#series.push({ labels, value });
  }

  /** The requests after so many are answered so, one each. */
  fail(after: number, ...answers: ((response: ServerResponse) => void)[]): void {
    this.#faults = [...Array.from({ length: after }, () => () => {}), ...answers];
  }

  failForGood(after: number, answer: (response: ServerResponse) => void): void {
    this.fail(after);
    this.#permanent = answer;
  }

  hang(): void {
    this.#isHanging = true;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', this.url);
    this.requests.push(url);
    if (this.#isHanging) return;
    const fault = this.#faults.shift() ?? this.#permanent;
    fault?.(response);
    if (response.headersSent || response.destroyed) return;
    if (this.authorization !== undefined && request.headers.authorization !== this.authorization) {
      return void response.writeHead(401).end('Unauthorized');
    }
    const query = request.method === 'POST' ? await formOf(request) : url.searchParams;
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

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const piece of request) text += String(piece);
  return new URLSearchParams(text);
}
