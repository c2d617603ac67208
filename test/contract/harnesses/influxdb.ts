import { InfluxdbSource } from 'headwater/sources/metrics/influxdb';
import type { SourceHarness, SourceWorld } from 'headwater/testing';
import { InfluxdbApi } from '../../services/influxdb-api.js';

const START = Date.UTC(2026, 0, 1);
const STEP_MS = 1_000;
const FLOOD_STEPS = 3_000;
const FLOOD_HOSTS = 60;
const PASSWORD = 'planted-influxdb-password';

/** Two series of four points and two, and a threshold that is crossed. */
class Points implements SourceWorld {
  readonly api: InfluxdbApi;
  readonly config: unknown;
  readonly credentials = { user: 'reader', password: PASSWORD };
  /** Six samples, a threshold crossed and cleared. */
  readonly events = 8;
  #now = START + 4 * STEP_MS;

  static async open(): Promise<Points> {
    return new Points(await InfluxdbApi.start());
  }

  private constructor(api: InfluxdbApi) {
    this.api = api;
    api.now = () => this.#now;
    api.authorization = `Basic ${Buffer.from(`reader:${PASSWORD}`).toString('base64')}`;
    for (let step = 0; step < 4; step += 1) {
      api.add({ host: 'a', time: START + step * STEP_MS, value: step === 1 ? 9 : 1 });
      if (step < 2) api.add({ host: 'b', time: START + step * STEP_MS, value: 2 });
    }
    this.config = {
      language: 'influxql',
      url: api.url,
      database: 'test',
      queries: [{ name: 'load', query: 'SELECT value FROM load WHERE time >= $from AND time < $to GROUP BY host' }],
      since: new Date(START).toISOString(),
      windowMs: 100 * STEP_MS,
      lagMs: 0,
      thresholds: [{ name: 'high', operator: 'gt', value: 8 }],
    };
  }

  more(): void {
    this.api.add({ host: 'a', time: this.#now, value: 1 });
    this.#now += STEP_MS;
  }

  flood(): void {
    for (let step = 0; step < FLOOD_STEPS; step += 1) {
      for (let host = 0; host < FLOOD_HOSTS; host += 1)
        this.api.add({ host: `flood-${host}`, time: this.#now, value: 1 });
      this.#now += STEP_MS;
    }
  }

  /** How many windows were asked for. */
  get taken(): number {
    return this.api.requests.filter(({ pathname }) => pathname === '/query').length / (FLOOD_STEPS / 100);
  }

  close(): Promise<void> {
    return this.api.close();
  }
}

export const harness: SourceHarness<Points> = {
  source: InfluxdbSource,
  open: () => Points.open(),
  more: async (points) => points.more(),
  requests: ({ api }) => api.requests.length,
  fail: ({ api }, kind, after) => {
    const status = kind === 'transient' ? 503 : 403;
    if (kind === 'transient') api.fail(after, (response) => void response.writeHead(status).end());
    else api.failForGood(after, (response) => void response.writeHead(status).end());
  },
  hang: ({ api }) => api.hang(),
  connections: ({ api }) => api.connections,
  flood: async (points) => points.flood(),
  taken: (points) => points.taken,
  secrets: [PASSWORD],
  patienceMs: 20_000,
  skip: [
    {
      case: 'credentials that are not there are refused, each of them',
      reason: 'an InfluxDB within a network may ask for none',
    },
  ],
};
