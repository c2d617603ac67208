import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { EventSourceFactory, FileCursorStore } from 'headwater';
import { type PrometheusEvent, PrometheusSource } from 'headwater/sources/metrics/prometheus';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../../services/needs.js';
import { hasPrometheus, NodeExporter, Prometheus, Pushgateway } from '../../../services/prometheus.js';

const STEP_MS = 1_000;
const QUERY = '{__name__=~"node_cpu_seconds_total|node_load1|node_time_seconds"}';

describeWith('Prometheus, Pushgateway and node exporter', hasPrometheus(), 'a real Prometheus', () => {
  const work = mkdtempSync(join(tmpdir(), 'headwater-prometheus-'));
  let exporter: NodeExporter;
  let gateway: Pushgateway;
  let prometheus: Prometheus;
  let program: string;

  beforeAll(async () => {
    [exporter, gateway] = await Promise.all([NodeExporter.start(), Pushgateway.start()]);
    prometheus = await Prometheus.start(work, [exporter.port, gateway.port]);
    program = join(
      fileURLToPath(new URL('../../../../node_modules/.cache', import.meta.url)),
      `prometheus-${process.pid}.mjs`,
    );
    await build({
      entryPoints: [fileURLToPath(new URL('./programs/read-into-file.ts', import.meta.url))],
      outfile: program,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    });
    await prometheus.has('node_load1');
  }, 60_000);
  afterAll(async () => {
    await Promise.all([exporter, gateway, prometheus].map((service) => service?.stop()));
    rmSync(work, { recursive: true, force: true });
    rmSync(program, { force: true });
  });

  it('SIGKILLs and restarts give each sample once, equal to what one query over the whole time says', async () => {
    const directory = mkdtempSync(join(work, 'read-'));
    const since = Math.floor(Date.now() / STEP_MS) * STEP_MS;
    const config = { url: prometheus.url, query: QUERY, since: new Date(since).toISOString(), stepMs: STEP_MS };
    writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
    const until = Date.now() + 9_000;
    for (let kills = 0; Date.now() < until; kills += 1) {
      const child = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'ignore', 'inherit'] });
      await setTimeout(700 + ((kills * 317) % 900));
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('close', resolve));
    }
    // To the end, by one that is left alone.
    await new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program, directory, 'once'], { stdio: ['ignore', 'ignore', 'inherit'] });
      child.once('close', (status) => (status === 0 ? resolve(undefined) : reject(new Error(`exit status ${status}`))));
    });
    const lines = readFileSync(join(directory, 'events.jsonl'), 'utf8').trim().split('\n');
    const events = lines
      .map((line) => JSON.parse(line) as PrometheusEvent)
      .filter(({ type }) => type === 'metric.sample');
    const found = new Map(events.map((event) => [event.id, Number((event.data as { value: unknown }).value)]));
    const last = Math.max(...events.map(({ time }) => Date.parse(time ?? '')));
    const whole = await prometheus.queryRange(QUERY, {
      start: since / 1_000,
      end: last / 1_000,
      step: STEP_MS / 1_000,
    });
    const expected = new Map(
      whole.flatMap(({ metric: { __name__: name = '', ...labels }, values }) => {
        const pairs = Object.keys(labels)
          .sort()
          .map((label) => `${label}=${JSON.stringify(labels[label])}`);
        return values.map(([time, value]): [string, number] => [
          `q:${name}{${pairs.join(',')}}@${Math.round(time * 1_000)}`,
          Number(value),
        ]);
      }),
    );
    expect(expected.size).toBeGreaterThan(20);
    expect([...found].sort()).toEqual([...expected].sort());
  }, 60_000);

  it('a gauge that is pushed up and down crosses its threshold once, and clears it once', async () => {
    await gateway.push('queue_depth', 3);
    await prometheus.has('queue_depth');
    const directory = mkdtempSync(join(work, 'thresholds-'));
    const cursorStore = new FileCursorStore(directory);
    const factory = new EventSourceFactory({ sources: { prometheus: PrometheusSource }, cursorStore });
    const config = {
      mode: 'range' as const,
      url: prometheus.url,
      queries: [{ name: 'q', query: 'queue_depth' }],
      stepMs: STEP_MS,
      lagMs: 2_000,
      samples: false,
      since: new Date().toISOString(),
      thresholds: [{ name: 'deep', operator: 'gt' as const, value: 10, clear: 5 }],
    };
    const told: string[] = [];
    const look = async (): Promise<void> => {
      const source = (await factory.create('prometheus', { id: 'depth', config })) as PrometheusSource;
      for await (const { type } of source.generateEvents()) told.push(type);
      await source.close();
    };
    for (const value of [3, 11, 8, 12, 4, 8, 9]) {
      await gateway.push('queue_depth', value);
      while (Number((await prometheus.query('queue_depth'))[0]?.value[1]) !== value) await setTimeout(100);
      // For more than one step, whichever it falls on.
      await setTimeout(1_100);
      await look();
    }
    await setTimeout(2_500);
    await look();
    expect(told).toEqual(['metric.threshold.crossed', 'metric.threshold.cleared']);
  }, 60_000);

  it('an exporter is scraped directly', async () => {
    const config = { mode: 'scrape', url: exporter.url } as const;
    const source = await PrometheusSource.create({ id: 'node', config });
    expect(await source.validate()).toEqual({ ok: true, problems: [] });
    const events: PrometheusEvent[] = [];
    for await (const event of source.generateEvents()) events.push(event);
    const load = events.find(({ subject }) => subject === 'node_load1');
    expect(load?.data).toEqual({ metric: 'node_load1', labels: {}, kind: 'gauge', value: expect.any(Number) });
    expect(events.length).toBeGreaterThan(20);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    await source.close();
  });

  it('a query that is none is refused by Prometheus itself', async () => {
    const config = { mode: 'range' as const, url: prometheus.url, queries: ['sum('] };
    const source = await PrometheusSource.create({ id: 'bad', config });
    await expect(source.generateEvents().next()).rejects.toMatchObject({ code: 'PROMETHEUS_QUERY' });
    await source.close();
  });
});
