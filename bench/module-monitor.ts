import pg from 'pg';
import { type Bench, compared, figure, median, paired } from './measure.js';
import { type MonitorOrder, type MonitorReply, RunningMonitor } from './module-monitor-server.js';
import type { SitesOrder, SitesReply } from './module-monitor-sites.js';
import { type Served, withServer } from './served.js';

const SITES = 10;
const MODULES = 1_000;
const PAIRS = 7;
const WARM_UPS = 2;
const SITES_AT_ONCE = 100;
const LONGEST_MS = 1_000;
const MOST_MEGABYTES = 150;
const POSTGRES = 'postgres://postgres@127.0.0.1:5432/test';
const VERSIONS = ['1.0.0', '2.0.0'];

type Sites = Served<SitesOrder, SitesReply>;
type Server = Served<MonitorOrder, MonitorReply>;

/**
 * The example of that name on PostgreSQL, with all it does for a sync: HTTP, checks, spool, differences, history, findings,
 * audit. Its rival only stores the same rows.
 */
export const moduleMonitor: Bench = {
  name: 'module-monitor',
  async *rows() {
    yield* await withServer<SitesOrder, SitesReply, Awaited<ReturnType<typeof rowsOf>>>(
      'module-monitor-sites.ts',
      rowsOf,
    );
  },
};

async function rowsOf(sites: Sites) {
  const changed = `${SITES * VERSIONS.length} syncs of ${MODULES} modules, all of them new or changed`;
  const same = ['1.0.0', '1.0.0', '1.0.0', '1.0.0'];
  const unchanged = `${SITES * same.length} syncs of ${MODULES} modules, most of them without a change`;
  return [
    await beside(sites, VERSIONS, (jobs) => paired({ ...jobs, row: changed, goal: 2 })),
    await beside(sites, same, (jobs) => compared({ ...jobs, row: unchanged })),
    ...(await inSchema((url) => allAtOnce(url, sites))),
  ];
}

/** Both as they run for long: their tables are there, and each job is that of further sites. */
async function beside<Result>(
  sites: Sites,
  versions: readonly string[],
  compare: (jobs: {
    bench: string;
    pairs: number;
    warmUps: number;
    ours: () => Promise<void>;
    rival: () => Promise<void>;
  }) => Promise<Result>,
): Promise<Result> {
  return inSchema((oursUrl) =>
    inSchema(async (rivalUrl) => {
      const monitor = await RunningMonitor.start(oursUrl, SITES * (PAIRS + WARM_UPS));
      const byHand = await ByHand.start(rivalUrl);
      const left = [...monitor.sites];
      const ours = async (): Promise<void> => {
        const order = { base: monitor.base, sites: left.splice(0, SITES), modules: MODULES, versions, atOnce: false };
        const { failures } = await sites.obey(order);
        if (failures > 0) throw new Error(`${failures} syncs failed`);
      };
      const rival = (): Promise<void> => byHand.run(versions);
      const result = await compare({ bench: 'module-monitor', pairs: PAIRS, warmUps: WARM_UPS, ours, rival });
      await Promise.all([monitor.stop(), byHand.stop()]);
      return result;
    }),
  );
}

/** Time of one sync, memory while 100 sites send at once, and whether they were all answered. */
async function allAtOnce(url: string, sites: Sites) {
  return withServer<MonitorOrder, MonitorReply, ReturnType<typeof figure>[]>(
    'module-monitor-server.ts',
    async (server: Server) => {
      const started = await server.obey({ do: 'start', url, sites: SITES_AT_ONCE + SITES });
      const { base } = started;
      const [few, many] = [started.sites.slice(0, SITES), started.sites.slice(SITES)];
      const { took } = await sites.obey({ base, sites: few, modules: MODULES, versions: VERSIONS, atOnce: false });
      const idle = (await server.obey({ do: 'look' })).megabytes;
      const order = { base, sites: many, modules: MODULES, versions: VERSIONS, atOnce: true };
      const { failures } = await sites.obey(order);
      const { mostMegabytes } = await server.obey({ do: 'look' });
      await server.obey({ do: 'stop' });
      const over = mostMegabytes - idle;
      return [
        row('milliseconds for a sync of 1,000 modules, beside a second', median(took), LONGEST_MS),
        row(`MB over idle while ${SITES_AT_ONCE} sites send at once, beside 150`, over, MOST_MEGABYTES),
        figure('module-monitor', `of ${SITES_AT_ONCE} sites at once, syncs that failed`, failures, 0, failures, 0),
      ];
    },
  );
}

function row(name: string, value: number, most: number) {
  return figure('module-monitor', name, value, most, value / most, 1);
}

interface Item {
  readonly name: string;
  readonly version: string;
  readonly data: string;
}

/** What somebody would write who stores the same, and knows the modules already: read, compare, two bulk statements. */
class ByHand {
  readonly #pool: pg.Pool;
  #sites = 0;

  private constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  static async start(url: string): Promise<ByHand> {
    const pool = new pg.Pool({ connectionString: url });
    await pool.query(`create table sites (id text primary key, info text, applied_at text);
      create table modules (site text not null, name text not null, version text not null, data text not null,
        primary key (site, name));
      create table history (site text not null, name text not null, version text not null, data text not null,
        revision integer not null, primary key (site, revision, name));
      create table syncs (id text primary key, site text, mode text, status text, modules integer, revision integer,
        result text)`);
    return new ByHand(pool);
  }

  async run(versions: readonly string[]): Promise<void> {
    for (let count = 0; count < SITES; count += 1) {
      this.#sites += 1;
      const site = `site-${this.#sites}`;
      await this.#pool.query('insert into sites (id) values ($1)', [site]);
      for (const [revision, version] of versions.entries()) await syncByHand(this.#pool, site, revision, version);
    }
  }

  stop(): Promise<void> {
    return this.#pool.end();
  }
}

async function syncByHand(pool: pg.Pool, site: string, revision: number, version: string): Promise<void> {
  const items: Item[] = Array.from({ length: MODULES }, (_, index) => {
    const module = { name: `module_with_a_name_${index}`, type: 'module', version, enabled: true };
    return { name: module.name, version: `${version} module enabled`, data: JSON.stringify(module) };
  });
  const client = await pool.connect();
  await client.query('begin');
  await client.query('update sites set info = $2, applied_at = $3 where id = $1', [site, '{}', `${revision}`]);
  const { rows } = await client.query('select name, version from modules where site = $1', [site]);
  const known = new Map(rows.map((row: { name: string; version: string }) => [row.name, row.version]));
  const changed = items.filter((item) => known.get(item.name) !== item.version);
  if (changed.length > 0) {
    const values = changed.flatMap((item) => [site, item.name, item.version, item.data]);
    const conflict = 'on conflict (site, name) do update set version = excluded.version, data = excluded.data';
    await client.query(`insert into modules values ${placeholders(changed.length, 4)} ${conflict}`, values);
    const history = changed.flatMap((item) => [site, item.name, item.version, item.data, revision]);
    await client.query(`insert into history values ${placeholders(changed.length, 5)}`, history);
  }
  await client.query('delete from modules where site = $1 and name <> all($2)', [site, items.map(({ name }) => name)]);
  const sync = [`${site}/${revision}`, site, 'full', 'completed', items.length, revision, '{}'];
  await client.query('insert into syncs values ($1, $2, $3, $4, $5, $6, $7)', sync);
  await client.query('commit');
  client.release();
}

function placeholders(rows: number, columns: number): string {
  const row = (index: number): string =>
    `(${Array.from({ length: columns }, (_, column) => `$${index * columns + column + 1}`).join(',')})`;
  return Array.from({ length: rows }, (_, index) => row(index)).join(',');
}

let schemas = 0;

async function inSchema<Result>(job: (url: string) => Promise<Result>): Promise<Result> {
  schemas += 1;
  const schema = `headwater_bench_monitor_${process.pid}_${schemas}`;
  const admin = new pg.Client(POSTGRES);
  await admin.connect();
  await admin.query(`create schema ${schema}`);
  try {
    return await job(`${POSTGRES}?options=${encodeURIComponent(`-c search_path=${schema}`)}`);
  } finally {
    await admin.query(`drop schema ${schema} cascade`);
    await admin.end();
  }
}
