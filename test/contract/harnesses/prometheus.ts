import { PrometheusSource } from 'headwater/sources/metrics/prometheus';
import type { SourceHarness, SourceWorld } from 'headwater/testing';
import { PrometheusApi } from '../../services/prometheus-api.js';

const START = Date.UTC(2026, 0, 1);
const STEP_MS = 1_000;
const FLOOD_STEPS = 3_000;
const FLOOD_SERIES = 60;
const TOKEN = 'planted-prometheus-token';

/** Two series over four steps, one of which ends, and a threshold that is crossed. */
class Series implements SourceWorld {
  readonly api: PrometheusApi;
  readonly config: unknown;
  readonly credentials = { token: TOKEN };
  /** Six samples, a series that went stale, a threshold crossed and cleared. */
  readonly events = 9;
  #now = START + 4 * STEP_MS;

  static async open(): Promise<Series> {
    return new Series(await PrometheusApi.start());
  }

  private constructor(api: PrometheusApi) {
    this.api = api;
    api.now = () => this.#now;
    api.authorization = `Bearer ${TOKEN}`;
    api.add({ __name__: 'load', host: 'a' }, (time) => (time === START + 2 * STEP_MS ? 9 : 1));
    api.add({ __name__: 'load', host: 'b' }, (time) => (time > START + 2 * STEP_MS ? undefined : 2));
    this.config = {
      mode: 'range',
      url: api.url,
      queries: [{ name: 'load', query: 'load' }],
      since: new Date(START + STEP_MS).toISOString(),
      stepMs: STEP_MS,
      lagMs: 0,
      thresholds: [{ name: 'high', operator: 'gt', value: 8 }],
    };
  }

  more(): void {
    this.#now += STEP_MS;
  }

  flood(): void {
    for (let host = 0; host < FLOOD_SERIES; host += 1)
      this.api.add({ __name__: 'load', host: `flood-${host}` }, () => 1);
    this.#now += FLOOD_STEPS * STEP_MS;
  }

  /** Up to where it was asked. */
  get taken(): number {
    const asked = this.api.requests.map((url) => Number(url.searchParams.get('end') ?? 0) * 1_000 - START);
    return Math.max(0, ...asked) / (FLOOD_STEPS * STEP_MS);
  }

  close(): Promise<void> {
    return this.api.close();
  }
}

export const harness: SourceHarness<Series> = {
  source: PrometheusSource,
  open: () => Series.open(),
  more: async (series) => series.more(),
  requests: ({ api }) => api.requests.length,
  fail: ({ api }, kind, after) => {
    const status = kind === 'transient' ? 503 : 403;
    if (kind === 'transient') api.fail(after, (response) => void response.writeHead(status).end());
    else api.failForGood(after, (response) => void response.writeHead(status).end());
  },
  hang: ({ api }) => api.hang(),
  connections: ({ api }) => api.connections,
  flood: async (series) => series.flood(),
  taken: (series) => series.taken,
  secrets: [TOKEN],
  patienceMs: 20_000,
  skip: [
    {
      case: 'credentials that are not there are refused, each of them',
      reason: 'a Prometheus within a network asks for none',
    },
  ],
};
