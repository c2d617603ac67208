import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Daemon, freePort } from './daemon.js';
import { hasProgram } from './needs.js';

const INFLUXD = '/usr/bin/influxd';

export function hasInfluxDb(): boolean {
  return hasProgram(INFLUXD, 'version');
}

/** An InfluxDB 1 of its own. */
export class InfluxDb {
  readonly url: string;
  readonly #daemon: Daemon;

  private constructor(url: string, daemon: Daemon) {
    this.url = url;
    this.#daemon = daemon;
  }

  static async start(directory: string): Promise<InfluxDb> {
    const [port, own] = [await freePort(), await freePort()];
    const work = join(directory, 'influxdb');
    mkdirSync(work, { recursive: true });
    const file = join(work, 'influxdb.conf');
    writeFileSync(
      file,
      `reporting-disabled = true
bind-address = "127.0.0.1:${own}"
[meta]
  dir = "${work}/meta"
[data]
  dir = "${work}/data"
  wal-dir = "${work}/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
`,
    );
    const url = `http://127.0.0.1:${port}`;
    const isReady = async (): Promise<boolean> => {
      const answer = await fetch(`${url}/ping`).catch(() => undefined);
      return answer?.status === 204;
    };
    return new InfluxDb(url, await Daemon.start(INFLUXD, ['run', '-config', file], isReady));
  }

  async createDatabase(database: string): Promise<void> {
    const answer = await fetch(`${this.url}/query?q=${encodeURIComponent(`CREATE DATABASE "${database}"`)}`, {
      method: 'POST',
    });
    if (!answer.ok) throw new Error(`InfluxDB answered ${answer.status}`);
  }

  /** Lines of the line protocol, times in nanoseconds. */
  async write(database: string, lines: string): Promise<void> {
    const answer = await fetch(`${this.url}/write?db=${database}&precision=ns`, { method: 'POST', body: lines });
    if (answer.status !== 204) throw new Error(`InfluxDB answered ${answer.status}: ${await answer.text()}`);
  }

  stop(): Promise<void> {
    return this.#daemon.stop('SIGKILL');
  }
}
