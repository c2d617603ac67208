import fc from 'fast-check';
import type { SourceOptions } from 'headwater';
import { EventSourceFactory, MemoryCursorStore } from 'headwater';
import {
  type PrometheusConfigInput,
  type PrometheusCredentials,
  type PrometheusCursor,
  type PrometheusEvent,
  PrometheusSource,
} from 'headwater/sources/metrics/prometheus';
import { RecordingLogger } from 'headwater/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { json } from '../../../services/faulty-api.js';
import { PrometheusApi } from '../../../services/prometheus-api.js';

type Range = Partial<Extract<PrometheusConfigInput, { mode: 'range' }>>;
type Changes = Partial<SourceOptions<PrometheusConfigInput, PrometheusCredentials, PrometheusCursor>>;

const START = Date.UTC(2026, 0, 1);
const STEP_MS = 15_000;

async function startApi(): Promise<PrometheusApi> {
  const api = await PrometheusApi.start();
  onTestFinished(() => api.close());
  api.now = () => START;
  return api;
}

function rangeSource(api: PrometheusApi, config: Range = {}, changes: Changes = {}): Promise<PrometheusSource> {
  const own = { url: api.url, queries: ['load'], stepMs: STEP_MS, lagMs: 0 };
  return PrometheusSource.create({ id: 'test', ...changes, config: { mode: 'range', ...own, ...config } });
}

async function readAll(source: PrometheusSource): Promise<PrometheusEvent[]> {
  const events: PrometheusEvent[] = [];
  for await (const event of source.generateEvents()) events.push(event);
  return events;
}

const samples = (events: readonly PrometheusEvent[]) =>
  events.flatMap(({ type, subject, time, data }) =>
    type === 'metric.sample' ? [[subject, Date.parse(time ?? ''), Number((data as { value: unknown }).value)]] : [],
  );

describe('ranges', () => {
  it('MX1: two polls that overlap see the same samples, at aligned times, whenever they ask', async () => {
    const api = await startApi();
    // A value that is different at every millisecond.
    api.add({ __name__: 'load', host: 'a' }, (time) => time - START);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 12 }),
        async (pauses) => {
          const source = await rangeSource(api, { since: new Date(START).toISOString() });
          let now = START;
          const seen: unknown[] = [];
          for (const pause of pauses) {
            now += pause;
            api.now = () => now;
            seen.push(...samples(await readAll(source)));
          }
          const whole = await rangeSource(api, { since: new Date(START).toISOString() });
          expect(seen).toEqual(samples(await readAll(whole)));
          expect(seen).toHaveLength(Math.floor((now - START) / STEP_MS) + 1);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('MX1: a new process goes on behind the last step, and skips none', async () => {
    const api = await startApi();
    api.add({ __name__: 'load' }, (time) => (time - START) / STEP_MS);
    let cursor: PrometheusCursor | undefined;
    const seen: number[] = [];
    for (let turn = 0; turn < 20; turn += 1) {
      api.now = () => START + turn * 40_000;
      const source = await rangeSource(api, { since: new Date(START).toISOString() }, { cursor });
      for (const sample of samples(await readAll(source))) seen.push(sample[2] as number);
      cursor = JSON.parse(JSON.stringify(source.getCursor())) as PrometheusCursor;
      await source.close();
    }
    expect(seen).toEqual(Array.from({ length: 51 }, (_, at) => at));
  });

  it('MX2: 30 days at 15 s are asked for in parts that Prometheus answers', async () => {
    const api = await startApi();
    const days = 30;
    api.add({ __name__: 'load' }, (time) => (time - START) / STEP_MS);
    api.now = () => START + days * 86_400_000;
    const source = await rangeSource(api, { since: new Date(START).toISOString() });
    let count = 0;
    for await (const { events } of source.generateBatches()) {
      for (const sample of samples(events)) {
        expect(sample[2]).toBe(count);
        count += 1;
      }
    }
    expect(count).toBe(days * 5_760 + 1);
    const steps = api.requests.flatMap(({ searchParams }) => {
      const [from, to] = [Number(searchParams.get('start')), Number(searchParams.get('end'))];
      return to === 0 ? [] : [(to - from) / 15];
    });
    expect(Math.max(...steps)).toBeLessThanOrEqual(11_000);
    expect(steps.length).toBeLessThan(30);
  });

  it('MX2: what is too much at once is asked for in less', async () => {
    const api = await startApi();
    for (let host = 0; host < 20; host += 1) api.add({ __name__: 'load', host: `${host}` }, () => 1);
    api.now = () => START + 500 * STEP_MS;
    api.mostSamples = 300;
    const source = await rangeSource(api, { since: new Date(START).toISOString() });
    expect(samples(await readAll(source))).toHaveLength(501 * 20);
  });

  it('MX3: NaN and the infinities survive JSON', async () => {
    const api = await startApi();
    for (const [host, value] of ['NaN', '+Inf', '-Inf', '0.5'].entries())
      api.add({ __name__: 'load', host: `${host}` }, () => value);
    const events = await readAll(await rangeSource(api));
    const kept = JSON.parse(JSON.stringify(events)) as PrometheusEvent[];
    expect(samples(kept).map((sample) => sample[2])).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      0.5,
    ]);
  });

  it('MX4: what comes late, or changes, within the overlap is told as a revision of the same sample', async () => {
    const api = await startApi();
    const values = new Map<number, number>([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
    api.add({ __name__: 'load' }, (time) => values.get((time - START) / STEP_MS));
    api.now = () => START + 2 * STEP_MS;
    const store = new MemoryCursorStore();
    const factory = new EventSourceFactory({ sources: { prometheus: PrometheusSource }, cursorStore: store });
    const config = {
      mode: 'range' as const,
      url: api.url,
      queries: ['load'],
      stepMs: STEP_MS,
      lagMs: 0,
      overlapMs: 3 * STEP_MS,
      since: new Date(START).toISOString(),
    };
    const ids = async (): Promise<string[]> => {
      const source = (await factory.create('prometheus', { id: 'test', config })) as PrometheusSource;
      const events = await readAll(source);
      await source.close();
      return events.map(({ id, data }) => `${id.replace(String(START), 'T')} ${(data as { value?: unknown }).value}`);
    };
    const at = (step: number): string => `load:load@${START + step * STEP_MS}`.replace(String(START), 'T');
    expect(await ids()).toEqual([`${at(0)} 1`, `${at(1)} 2`, `${at(2)} 3`]);
    expect(await ids()).toEqual([]);
    values.set(1, 20).set(3, 4);
    api.now = () => START + 3 * STEP_MS;
    expect(await ids()).toEqual([`${at(1)}~1 20`, `${at(3)} 4`]);
    values.set(1, 21);
    api.now = () => START + 4 * STEP_MS;
    expect(await ids()).toEqual([`${at(1)}~2 21`, expect.stringContaining(':stale')]);
    // Too old by now.
    values.set(0, 100);
    api.now = () => START + 5 * STEP_MS;
    expect(await ids()).toEqual([]);
  });

  it('MX5: a series that ends is told once, and does not keep its last value', async () => {
    const api = await startApi();
    api.add({ __name__: 'load', host: 'a' }, (time) =>
      time <= START + STEP_MS || time >= START + 4 * STEP_MS ? 7 : undefined,
    );
    const store = new MemoryCursorStore();
    const factory = new EventSourceFactory({ sources: { prometheus: PrometheusSource }, cursorStore: store });
    const read = async (id: string, steps: number) => {
      api.now = () => START + steps * STEP_MS;
      const config = {
        mode: 'range' as const,
        url: api.url,
        queries: ['load'],
        stepMs: STEP_MS,
        lagMs: 0,
        since: new Date(START).toISOString(),
      };
      const source = (await factory.create('prometheus', { id, config })) as PrometheusSource;
      const events = await readAll(source);
      await source.close();
      return events.map(({ id: each }) => each);
    };
    const apart: string[] = [];
    for (const steps of [0, 1, 2, 3, 4]) apart.push(...(await read('apart', steps)));
    const together = await read('together', 4);
    expect(apart.filter((id) => id.endsWith(':stale'))).toEqual([`load:load{host="a"}@${START + 2 * STEP_MS}:stale`]);
    expect([...together].sort()).toEqual([...apart].sort());
  });

  it('waits for what is still to be ingested, by the clock of Prometheus and not by ours', async () => {
    const api = await startApi();
    api.add({ __name__: 'load' }, () => 1);
    const source = await rangeSource(
      api,
      { lagMs: 60_000, since: new Date(START - 120_000).toISOString() },
      {
        // Years ahead: what is still to come must not count as read.
        clock: { now: () => Date.UTC(2050, 0, 1), sleep: async () => {} },
      },
    );
    expect(samples(await readAll(source)).at(-1)?.[1]).toBe(START - 60_000);
    api.now = () => START - 86_400_000;
    expect(await readAll(source)).toEqual([]);
    api.now = () => START + STEP_MS;
    expect(samples(await readAll(source)).map((sample) => sample[1])).toEqual([START - 45_000]);
  });

  it('thresholds go on where they were, in a new process', async () => {
    const api = await startApi();
    const values = [1, 9, 9, 9, 9, 1, 1];
    api.add({ __name__: 'load' }, (time) => values[(time - START) / STEP_MS]);
    const store = new MemoryCursorStore();
    const factory = new EventSourceFactory({ sources: { prometheus: PrometheusSource }, cursorStore: store });
    const told: string[] = [];
    for (let step = 0; step < values.length; step += 1) {
      api.now = () => START + step * STEP_MS;
      const thresholds = [{ name: 'high', operator: 'gt' as const, value: 5, forMs: 2 * STEP_MS }];
      const config = {
        mode: 'range' as const,
        url: api.url,
        queries: ['load'],
        stepMs: STEP_MS,
        lagMs: 0,
        samples: false,
        thresholds,
      };
      const source = (await factory.create('prometheus', { id: 'test', config })) as PrometheusSource;
      for (const { type, time } of await readAll(source))
        told.push(`${type} ${(Date.parse(time ?? '') - START) / STEP_MS}`);
      await source.close();
    }
    expect(told).toEqual(['metric.threshold.crossed 3', 'metric.threshold.cleared 5']);
  });

  it('warnings are logged once, and told by validate()', async () => {
    const api = await startApi();
    api.add({ __name__: 'load' }, () => 1);
    api.warnings = ['PromQL info: metric might not be a counter'];
    const logger = new RecordingLogger();
    const source = await rangeSource(api, {}, { logger });
    await readAll(source);
    api.now = () => START + STEP_MS;
    await readAll(source);
    expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(2);
    expect(await source.validate()).toMatchObject({ ok: true, problems: [{ code: 'PROMETHEUS_WARNING' }] });
  });

  it('a long query is sent as a form', async () => {
    const api = await startApi();
    const name = `load_${'x'.repeat(3_000)}`;
    api.add({ __name__: name }, () => 1);
    const source = await rangeSource(api, { queries: [{ name: 'long', query: name }] });
    expect(samples(await readAll(source))).toHaveLength(1);
    expect(Math.max(...api.requests.map(({ search }) => search.length))).toBeLessThan(2_100);
  });
});

describe('instants', () => {
  it('bring the present value of each series, once for a step', async () => {
    const api = await startApi();
    api.add({ __name__: 'load', host: 'a' }, (time) => (time - START) / 1_000);
    const config = { mode: 'instant' as const, url: api.url, queries: ['load'], stepMs: STEP_MS, lagMs: 0 };
    const source = await PrometheusSource.create({ id: 'test', config });
    const seen: unknown[] = [];
    for (const seconds of [0, 7, 20, 61]) {
      api.now = () => START + seconds * 1_000;
      seen.push(...samples(await readAll(source)).map((sample) => sample[2]));
    }
    expect(seen).toEqual([0, 15, 60]);
  });
});

describe('bad input', () => {
  it('a query that is none is told as such, and the cursor stays', async () => {
    const api = await startApi();
    api.add({ __name__: 'load' }, () => 1);
    const source = await rangeSource(api, { queries: ['load', 'sum('] });
    await expect(readAll(source)).rejects.toMatchObject({
      name: 'FatalError',
      code: 'PROMETHEUS_QUERY',
      message: expect.stringMatching(/parse error/),
    });
    expect(await source.validate()).toMatchObject({ ok: false, problems: [{ code: 'PROMETHEUS_QUERY' }] });
    expect(source.getCursor()).toEqual({ until: { load: START } });
  });

  const answers: Record<string, [Parameters<PrometheusApi['fail']>[1], string]> = {
    'a login page with 200': [
      (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in</html>'),
      'HTTP_NOT_JSON',
    ],
    'JSON of something else': [(response) => json(response, 200, { hello: 'world' }), 'PROMETHEUS_ANSWER'],
    null: [(response) => json(response, 200, null), 'PROMETHEUS_ANSWER'],
    'an error within a 200': [
      (response) => json(response, 200, { status: 'error', errorType: 'bad_data', error: 'no' }),
      'PROMETHEUS_QUERY',
    ],
    'an answer of 30 MB': [
      (response) => json(response, 200, { status: 'success', x: 'x'.repeat(30_000_000) }),
      'HTTP_BODY_TOO_LARGE',
    ],
  };
  it.each(Object.keys(answers))('%s is an error, and the cursor stays', async (name) => {
    const [answer, code] = answers[name] as (typeof answers)[string];
    const api = await startApi();
    api.add({ __name__: 'load' }, () => 1);
    const source = await rangeSource(api, { maxBodyBytes: 1_000_000 });
    await readAll(source);
    const before = source.getCursor();
    api.now = () => START + STEP_MS;
    api.failForGood(1, answer);
    await expect(readAll(source)).rejects.toMatchObject({ code });
    expect(source.getCursor()).toEqual(before);
  });

  it('mistakes in a configuration are told all at once', async () => {
    const config = { mode: 'range', url: 'http://user:pass@h', queries: [], steps: 5, stepMs: 10 };
    const error = await PrometheusSource.create({ id: 'test', config: config as never }).catch(
      (reason: Error) => reason,
    );
    for (const part of ['credentials', 'queries', 'stepMs']) expect(String(error)).toContain(part);
    expect(String(error)).not.toContain('pass@');
  });
});
