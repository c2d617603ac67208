import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Daemon, freePort } from './daemon.js';
import { hasProgram } from './needs.js';

const COMMAND = '/usr/bin/prometheus-alertmanager';

export function hasAlertmanager(): boolean {
  return hasProgram(COMMAND, '--version');
}

export interface AlertmanagerOptions {
  /** Where it tells what it knows. */
  readonly url: string;
  /** What it says who it is: the lines of `http_config`, without indentation. */
  readonly httpConfig: readonly string[];
  /** More alerts of a group are left out. Default 0: none is. */
  readonly maxAlerts?: number;
  /** How long until it says the same again. Default '1h'. */
  readonly repeatInterval?: string;
}

/** As its API takes it. */
export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly startsAt?: string;
  readonly endsAt?: string;
}

/** An Alertmanager of its own, alone, that groups by `alertname` and is in a hurry. */
export class Alertmanager {
  readonly port: number;
  readonly #daemon: Daemon;

  /** `directory`: for its files. */
  static async start(directory: string, options: AlertmanagerOptions): Promise<Alertmanager> {
    const port = await freePort();
    const work = join(directory, 'alertmanager');
    mkdirSync(work, { recursive: true });
    const file = join(work, 'alertmanager.yml');
    writeFileSync(file, configuration(options));
    const given = [
      `--config.file=${file}`,
      `--storage.path=${join(work, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ];
    return new Alertmanager(port, await Daemon.start(COMMAND, given, () => isReady(port)));
  }

  private constructor(port: number, daemon: Daemon) {
    this.port = port;
    this.#daemon = daemon;
  }

  /** What Prometheus does. */
  async post(alerts: readonly Alert[]): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.port}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(alerts),
    });
    if (!response.ok) throw new Error(`Alertmanager answered ${response.status}: ${await response.text()}`);
  }

  stop(): Promise<void> {
    return this.#daemon.stop();
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok;
  } catch {
    return false;
  }
}

function configuration({ url, httpConfig, maxAlerts = 0, repeatInterval = '1h' }: AlertmanagerOptions): string {
  return `
route:
  receiver: here
  group_by: [alertname]
  group_wait: 100ms
  group_interval: 300ms
  repeat_interval: ${repeatInterval}
receivers:
  - name: here
    webhook_configs:
      - url: ${url}
        send_resolved: true
        max_alerts: ${maxAlerts}
        http_config:
${httpConfig.map((line) => `          ${line}\n`).join('')}`;
}
