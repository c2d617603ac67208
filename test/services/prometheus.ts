import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { answersOn, Daemon, freePort } from './daemon.js';
import { hasProgram } from './needs.js';

const PROMETHEUS = '/usr/bin/prometheus';
const PUSHGATEWAY = '/usr/bin/prometheus-pushgateway';
const NODE_EXPORTER = '/usr/bin/prometheus-node-exporter';

export function hasPrometheus(): boolean {
  return [PROMETHEUS, PUSHGATEWAY, NODE_EXPORTER].every((program) => hasProgram(program, '--version'));
}

/** A Prometheus of its own that asks its targets every second. */
export class Prometheus {
  readonly port: number;
  readonly #daemon: Daemon;

  private constructor(port: number, daemon: Daemon) {
    this.port = port;
    this.#daemon = daemon;
  }

  /** `targets`: ports of this machine. */
  static async start(directory: string, targets: readonly number[]): Promise<Prometheus> {
    const port = await freePort();
    const work = join(directory, 'prometheus');
    mkdirSync(work, { recursive: true });
    const file = join(work, 'prometheus.yml');
    writeFileSync(
      file,
      `global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: test
    honor_labels: true
    static_configs: [{ targets: [${targets.map((target) => `'127.0.0.1:${target}'`).join(', ')}] }]
`,
    );
    const given = [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(work, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    const isReady = async (): Promise<boolean> => {
      const answer = await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined);
      return answer?.ok === true;
    };
    return new Prometheus(port, await Daemon.start(PROMETHEUS, given, isReady));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What it answers to a query, now. */
  async query(query: string): Promise<readonly { metric: Record<string, string>; value: [number, string] }[]> {
    const answer = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(query)}`);
    return ((await answer.json()) as { data: { result: [] } }).data.result;
  }

  async queryRange(query: string, times: { start: number; end: number; step: number }) {
    const search = new URLSearchParams({ query, ...mapped(times) });
    const answer = await fetch(`${this.url}/api/v1/query_range?${search}`);
    type Matrix = readonly { metric: Record<string, string>; values: [number, string][] }[];
    return ((await answer.json()) as { data: { result: Matrix } }).data.result;
  }

  /** Until a query finds so many series. */
  async has(query: string, count = 1): Promise<void> {
    while ((await this.query(query)).length < count) await setTimeout(50);
  }

  stop(): Promise<void> {
    return this.#daemon.stop('SIGKILL');
  }
}

function mapped(times: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(times).map(([name, value]) => [name, String(value)]));
}

/** What a process of the machine says of it. */
export class NodeExporter {
  readonly port: number;
  readonly #daemon: Daemon;

  private constructor(port: number, daemon: Daemon) {
    this.port = port;
    this.#daemon = daemon;
  }

  static async start(): Promise<NodeExporter> {
    const port = await freePort();
    const given = [
      `--web.listen-address=127.0.0.1:${port}`,
      '--collector.disable-defaults',
      '--collector.loadavg',
      '--collector.cpu',
      '--collector.time',
    ];
    return new NodeExporter(port, await Daemon.start(NODE_EXPORTER, given, () => answersOn(port)));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/metrics`;
  }

  stop(): Promise<void> {
    return this.#daemon.stop('SIGKILL');
  }
}

/** Keeps what is pushed to it, for Prometheus to fetch. */
export class Pushgateway {
  readonly port: number;
  readonly #daemon: Daemon;

  private constructor(port: number, daemon: Daemon) {
    this.port = port;
    this.#daemon = daemon;
  }

  static async start(): Promise<Pushgateway> {
    const port = await freePort();
    const given = [`--web.listen-address=127.0.0.1:${port}`];
    return new Pushgateway(port, await Daemon.start(PUSHGATEWAY, given, () => answersOn(port)));
  }

  async push(metric: string, value: number): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/metrics/job/test`, {
      method: 'POST',
      body: `${metric} ${value}\n`,
    });
    if (!answer.ok) throw new Error(`Pushgateway answered ${answer.status}`);
  }

  async forget(): Promise<void> {
    await fetch(`http://127.0.0.1:${this.port}/metrics/job/test`, { method: 'DELETE' });
  }

  stop(): Promise<void> {
    return this.#daemon.stop('SIGKILL');
  }
}
