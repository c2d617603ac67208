import parse from 'parse-prometheus-text-format';
import { prometheusSource } from './built.js';
import { type Bench, type Information, paired, type Row } from './measure.js';
import type { PrometheusOrder, PrometheusReply } from './prometheus-server.js';
import { metricsText } from './prometheus-text.js';
import { type Served, withServer } from './served.js';

const SAMPLES = 10_000_000;
const SERIES = 1_000;
/** As many as the source asks for at once, with so many series. */
const STEPS_AT_ONCE = 50;
const STEP_MS = 15_000;
const START = Date.UTC(2026, 0, 1);
const LINES = 100_000;
const EVALUATIONS = 1_000_000;

type Server = Served<PrometheusOrder, PrometheusReply>;

/** Samples of a query, lines of an endpoint, and thresholds. */
export const prometheus: Bench = {
  name: 'prometheus',
  async *rows(): AsyncGenerator<Row | Information> {
    yield await withServer('prometheus-server.ts', ranges);
    yield await scrapes();
    yield await evaluations();
  },
};

async function ranges(server: Server): Promise<Row> {
  const { PrometheusSource } = await prometheusSource();
  const end = START + (SAMPLES / SERIES - 1) * STEP_MS;
  const { url } = await server.obey({ series: SERIES, now: end / 1_000 });
  const since = new Date(START).toISOString();
  const queries = [{ name: 'q', query: 'load' }];
  const config = { mode: 'range', url, queries, stepMs: STEP_MS, lagMs: 0, since } as const;
  const ours = async (): Promise<void> => {
    const source = await PrometheusSource.create({ id: 'bench', config });
    let count = 0;
    for await (const event of source.generateEvents()) if (event.type === 'metric.sample') count += 1;
    if (count !== SAMPLES) throw new Error(`${count} samples read`);
  };
  const times = {
    start: START / 1_000,
    end: START / 1_000 + (STEPS_AT_ONCE - 1) * (STEP_MS / 1_000),
    step: STEP_MS / 1_000,
  };
  const search = new URLSearchParams(
    Object.entries(times).map(([name, value]): [string, string] => [name, `${value}`]),
  );
  const answer = Buffer.from(await (await fetch(`${url}/api/v1/query_range?${search}`)).arrayBuffer());
  const rival = async (): Promise<void> => {
    let count = 0;
    while (count < SAMPLES) {
      const parsed = JSON.parse(answer.toString()) as { data: { result: { values: [number, string][] }[] } };
      for (const { values } of parsed.data.result) for (const [time] of values) if (time > 0) count += 1;
      await Promise.resolve();
    }
  };
  const row = `${SAMPLES} samples of a range query to events, beside JSON.parse of the answers and a loop`;
  return paired({ bench: 'prometheus', row, goal: 2, ours, rival, pairs: 5, warmUps: 1 });
}

async function scrapes(): Promise<Row> {
  const { parseExposition } = await exposition();
  const text = metricsText(LINES);
  const ours = async (): Promise<void> => {
    if (parseExposition(text, false).samples.length !== LINES) throw new Error('lines are missing');
  };
  const rival = async (): Promise<void> => void parse(text);
  const row = `a /metrics of ${LINES} lines, beside parse-prometheus-text-format`;
  return paired({ bench: 'prometheus', row, goal: 0.5, ours, rival, pairs: 7, warmUps: 2 });
}

async function evaluations(): Promise<Row> {
  const { Thresholds, thresholdRules } = await thresholds();
  const series = Array.from({ length: SERIES }, (_, host) => ({
    key: `load{host="${host}"}`,
    metric: 'load',
    labels: { host: `${host}` },
  }));
  const state = { get: async () => undefined, set: () => {}, delete: () => {}, entries: async function* () {} };
  const rules = thresholdRules.parse([{ name: 'high', operator: 'gt', value: 90 }]);
  // A load that rises and falls: above the limit in one sample of ten, over it or below it again in one of a hundred.
  const values = Array.from({ length: EVALUATIONS / SERIES }, (_, at) => Math.abs(100 - (at % 200)));
  const ours = async (): Promise<void> => {
    const own = await Thresholds.load({ rules, state, maxSeries: SERIES, onDropped: () => {} });
    const told: object[] = [];
    for (const [at, value] of values.entries()) {
      for (const each of series) for (const tracked of own.of(each)) tracked.sample(at, value, told as never);
    }
    if (told.length === 0) throw new Error('nothing was told');
  };
  const rival = async (): Promise<void> => {
    const known = new Map<string, boolean>();
    let turns = 0;
    for (const value of values) {
      for (const { key } of series) {
        const isHigh = value > 90;
        if (known.get(key) === isHigh) continue;
        known.set(key, isHigh);
        turns += 1;
      }
    }
    if (turns === 0) throw new Error('nothing was told');
  };
  const row = `${EVALUATIONS} evaluations of a threshold, beside the comparison and a look-up`;
  return paired({ bench: 'prometheus', row, goal: 3, ours, rival, pairs: 9, warmUps: 3 });
}

/** What no entry exports is measured on the sources. */
const exposition = () => import('../src/sources/metrics/prometheus/exposition.js');

async function thresholds() {
  const [{ Thresholds }, { thresholdRules }] = await Promise.all([
    import('../src/sources/metrics/threshold/thresholds.js'),
    import('../src/sources/metrics/threshold/rule.js'),
  ]);
  return { Thresholds, thresholdRules };
}
