import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { SourceEvent } from 'headwater';
import { type InfluxdbConfigInput, InfluxdbSource } from 'headwater/sources/metrics/influxdb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasInfluxDb, InfluxDb } from '../../../services/influxdb.js';
import { describeWith } from '../../../services/needs.js';

const DATABASE = 'test';

describeWith('InfluxDB', hasInfluxDb(), 'a real InfluxDB', () => {
  const work = mkdtempSync(join(tmpdir(), 'headwater-influxdb-'));
  let influx: InfluxDb;
  let program: string;

  beforeAll(async () => {
    influx = await InfluxDb.start(work);
    await influx.createDatabase(DATABASE);
    const cache = fileURLToPath(new URL('../../../../node_modules/.cache', import.meta.url));
    program = join(cache, `influxdb-${process.pid}.mjs`);
    await build({
      entryPoints: [fileURLToPath(new URL('./programs/read-into-file.ts', import.meta.url))],
      outfile: program,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    });
  }, 60_000);
  afterAll(async () => {
    await influx?.stop();
    rmSync(work, { recursive: true, force: true });
    rmSync(program, { force: true });
  });

  function config(query: string, more: object = {}): InfluxdbConfigInput {
    const queries = [{ name: 'q', query }];
    return { language: 'influxql', url: influx.url, database: DATABASE, queries, ...more };
  }

  async function read(given: InfluxdbConfigInput): Promise<readonly SourceEvent[]> {
    const source = await InfluxdbSource.create({ id: 'real', config: given });
    const events: SourceEvent[] = [];
    for await (const event of source.generateEvents()) events.push(event);
    await source.close();
    return events;
  }

  it('written to while it is read, SIGKILLs in between, late points too: each once, by its id', async () => {
    const directory = mkdtempSync(join(work, 'read-'));
    const since = new Date(Date.now() - 1_000).toISOString();
    const query = 'SELECT value FROM load WHERE time >= $from AND time < $to GROUP BY host';
    const given = config(query, { since, lagMs: 1_000, overlapMs: 10_000, pollIntervalMs: 100 });
    writeFileSync(join(directory, 'config.json'), JSON.stringify(given));
    const written: string[] = [];
    let isOver = false;
    const writing = (async () => {
      for (let number = 0; !isOver; number += 1) {
        // Every third is late: by more than the lag, and less than the overlap.
        const lateMs = number % 3 === 0 ? 3_000 : 0;
        const time = `${BigInt(Math.max(Date.parse(since), Date.now() - lateMs)) * 1_000_000n + BigInt(number)}`;
        const host = `h${number % 2}`;
        await influx.write(DATABASE, `load,host=${host} value=${number} ${time}`);
        written.push(`q:load.value{host="${host}"}@${time}`);
        await setTimeout(5);
      }
    })();
    const until = Date.now() + 6_000;
    for (let kills = 0; Date.now() < until; kills += 1) {
      const child = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'ignore', 'inherit'] });
      await setTimeout(600 + ((kills * 317) % 700));
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('close', resolve));
    }
    isOver = true;
    await writing;
    // Until the last point is older than the lag, whatever part of a second its clock leaves out.
    await setTimeout(2_500);
    await new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program, directory, 'once'], { stdio: ['ignore', 'ignore', 'inherit'] });
      child.once('close', (status) => (status === 0 ? resolve(undefined) : reject(new Error(`exit status ${status}`))));
    });
    const lines = readFileSync(join(directory, 'events.jsonl'), 'utf8').trim().split('\n');
    const found = new Set(lines.map((line) => (JSON.parse(line) as SourceEvent).id));
    expect(written.length).toBeGreaterThan(100);
    expect([...found].sort()).toEqual([...written].sort());
  }, 60_000);

  it('chunks: more points than one holds, the nanoseconds of each', async () => {
    const start = 1_700_000_000_000_000_000n;
    const count = 25_000;
    const lines = Array.from({ length: count }, (_, number) => `many value=${number} ${start + BigInt(number)}`);
    await influx.write(DATABASE, lines.join('\n'));
    const since = new Date(Number(start / 1_000_000n)).toISOString();
    const query = 'SELECT value FROM many WHERE time >= $from AND time < $to';
    const events = await read(config(query, { since, windowMs: 2_592_000_000 }));
    expect(events).toHaveLength(count);
    expect(events.at(-1)).toMatchObject({
      id: `q:many.value@${start + BigInt(count - 1)}`,
      time: '2023-11-14T22:13:20.000024999Z',
      data: { value: count - 1 },
    });
  }, 60_000);

  it('groups of time are told when they are whole', async () => {
    const start = Math.floor(Date.now() / 60_000) * 60_000 - 180_000;
    const lines = [0, 30_000, 60_000, 90_000].map((at, number) => `mean value=${number} ${start + at}000000`);
    await influx.write(DATABASE, lines.join('\n'));
    const query = 'SELECT mean(value) FROM mean WHERE time >= $from AND time < $to GROUP BY time(1m) fill(none)';
    const more = { since: new Date(start).toISOString(), stepMs: 60_000, windowMs: 90_000, lagMs: 0 };
    const events = await read(config(query, more));
    expect(events.map(({ time, data }) => [Date.parse(time ?? ''), (data as { value: number }).value])).toEqual([
      [start, 0.5],
      [start + 60_000, 2.5],
    ]);
  });

  it('what InfluxDB refuses is said', async () => {
    const bad = config('SELEKT $from $to', { since: new Date(Date.now() - 60_000).toISOString() });
    await expect(read(bad)).rejects.toMatchObject({ code: 'INFLUXDB_QUERY' });
    const source = await InfluxdbSource.create({ id: 'real', config: bad });
    expect(await source.validate()).toMatchObject({ ok: false, problems: [{ code: 'INFLUXDB_QUERY' }] });
    await source.close();
    const query = 'SELECT value FROM load WHERE time >= $from AND time < $to';
    const elsewhere = { ...config(query, { since: new Date(Date.now() - 60_000).toISOString() }), database: 'none' };
    await expect(read(elsewhere as InfluxdbConfigInput)).rejects.toMatchObject({ code: 'INFLUXDB_QUERY' });
  });
});
