import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../examples/module-monitor/database.js';
import { Monitor } from '../examples/module-monitor/monitor.js';
import { silentLogger } from '../src/core/logger.js';
import { serve } from './served.js';

export type MonitorOrder = { do: 'start'; url: string; sites: number } | { do: 'look' } | { do: 'stop' };

export interface MonitorReply {
  readonly base: string;
  readonly sites: readonly { readonly id: string; readonly key: string }[];
  /** Resident memory: now, and the most there ever was. */
  readonly megabytes: number;
  readonly mostMegabytes: number;
}

/** The monitor as a program of its own has it, with so many sites. */
export class RunningMonitor {
  readonly #stop: () => Promise<void>;

  private constructor(
    readonly base: string,
    readonly sites: MonitorReply['sites'],
    stop: () => Promise<void>,
  ) {
    this.#stop = stop;
  }

  static async start(url: string, count: number): Promise<RunningMonitor> {
    const spool = mkdtempSync(join(tmpdir(), 'headwater-bench-monitor-'));
    const database = await openDatabase(url);
    const monitor = new Monitor({ database, spool, logger: silentLogger, perHour: 1_000_000 });
    const port = await monitor.start(0);
    const sites: { id: string; key: string }[] = [];
    for (let index = 0; index < count; index += 1) {
      const id = `site-${index}`;
      sites.push({ id, key: await monitor.sites.register(id) });
    }
    return new RunningMonitor(`http://127.0.0.1:${port}/api/v1/sites`, sites, async () => {
      await monitor.close();
      await database.destroy();
      rmSync(spool, { recursive: true, force: true });
    });
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}

if (process.send !== undefined) {
  let running: RunningMonitor | undefined;
  serve<MonitorOrder, MonitorReply>(async (order) => {
    if (order.do === 'start') running = await RunningMonitor.start(order.url, order.sites);
    if (order.do === 'stop') await running?.stop();
    const megabytes = process.memoryUsage.rss() / 1024 / 1024;
    const mostMegabytes = process.resourceUsage().maxRSS / 1024;
    return { base: running?.base ?? '', sites: running?.sites ?? [], megabytes, mostMegabytes };
  });
}
