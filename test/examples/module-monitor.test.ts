import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { DeadLetter, SourceEvent } from 'headwater';
import { RecordingLogger } from 'headwater/testing';
import { type Kysely, sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AlertEvent } from '../../examples/module-monitor/alerts.js';
import { openDatabase, type Tables } from '../../examples/module-monitor/database.js';
import { Monitor, type MonitorOptions } from '../../examples/module-monitor/monitor.js';
import type { SyncResult } from '../../examples/module-monitor/sync.js';
import type { Module, SyncRequest } from '../../examples/module-monitor/sync-request.js';
import { exampleDatabases } from './example-databases.js';

const timeout = 60_000;
const site = { url: 'https://shop.example', platform: 'drupal', platformVersion: '10.3.1' };

type Answer = SyncResult & { error?: string; problems?: { path: string; message: string }[]; statusUrl?: string };

function module(name: string, version = '1.0.0', more: Partial<Module> = {}): Module {
  return { name, type: 'module', version, enabled: true, ...more };
}

function modules(count: number, version = '1.0.0'): Module[] {
  return Array.from({ length: count }, (_, index) => module(`module_${index}`, version));
}

describe.each(exampleDatabases)('a module monitor in $name', ({ open }) => {
  let url = '';
  let drop: () => Promise<void>;
  let work = '';
  let db: Kysely<Tables>;
  let monitor: Monitor;
  let base = '';
  let alerts: AlertEvent[] = [];
  let statements = 0;
  let logger: RecordingLogger;

  beforeAll(async () => {
    ({ url, drop } = await open());
    work = mkdtempSync(join(tmpdir(), 'headwater-module-monitor-'));
  });
  afterAll(async () => {
    await drop();
    rmSync(work, { recursive: true, force: true });
  });

  const start = async (options: Partial<MonitorOptions> = {}): Promise<void> => {
    db = (await openDatabase(url)).withPlugin({
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        statements += 1;
        return result;
      },
    });
    alerts = [];
    logger = new RecordingLogger();
    monitor = new Monitor({ database: db, spool: join(work, 'spool'), alertIntervalMs: 20, logger, ...options });
    monitor.alerts.on('monitor.**', (alert) => void alerts.push(alert));
    base = `http://127.0.0.1:${await monitor.start(0)}/api/v1/sites`;
  };
  const stop = async (): Promise<void> => {
    await monitor.close();
    await db.destroy();
  };
  beforeEach(() => start());
  afterEach(async () => {
    await stop();
    expect(logger.lines.filter(({ level, message }) => level === 'error' && message !== 'a sync failed')).toEqual([]);
  });

  let registered = 0;
  const register = async (): Promise<Sender> => {
    registered += 1;
    const id = `site-${registered}`;
    return new Sender(id, await monitor.sites.register(id), () => base);
  };
  const stored = async (id: string): Promise<Module[]> => {
    const rows = await db.selectFrom('monitor_modules').selectAll().where('groupid', '=', id).execute();
    return rows.map(({ data }) => JSON.parse(data) as Module).sort((one, other) => (one.name < other.name ? -1 : 1));
  };
  const audited = (id: string) => db.selectFrom('syncs').selectAll().where('site', '=', id).execute();
  const history = async (id: string) => {
    const rows = await db
      .selectFrom('monitor_modules_history')
      .select(['revision', 'itemkey', 'version'])
      .where('groupid', '=', id)
      .orderBy('revision')
      .orderBy('itemkey')
      .execute();
    return rows.map(({ revision, itemkey, version }) => [Number(revision), itemkey, version?.split(' ')[0] ?? null]);
  };

  it('E1: who may send what, and what others are told', async () => {
    const sender = await register();
    const other = await register();
    const body = JSON.stringify({ mode: 'full', site, modules: modules(2) });
    expect((await sender.post(body)).status).toBe(200);
    expect(await sender.post(body, { 'x-api-key': undefined })).toMatchObject({
      status: 401,
      answer: { error: expect.stringMatching(/x-api-key is missing/) },
    });
    expect((await sender.post(body, { 'x-api-key': `${sender.key}x` })).status).toBe(401);
    expect((await sender.post(body, { 'x-api-key': other.key })).status).toBe(401);
    expect((await new Sender('nobody', sender.key, () => base).post(body)).status).toBe(404);
    await monitor.sites.deactivate(sender.id);
    expect(await sender.post(body)).toMatchObject({ status: 404, answer: { error: /not active/ } });
    const second = await monitor.sites.register(sender.id);
    expect((await sender.post(body)).status).toBe(200);
    expect((await sender.post(body, { 'x-api-key': second })).status).toBe(200);
    expect((await fetch(`${base}/${sender.id}/modules/sync`)).status).toBe(405);
    expect((await fetch(`${base}/${sender.id}/else`, { method: 'POST' })).status).toBe(404);
    const keys = await db.selectFrom('api_keys').selectAll().execute();
    expect(JSON.stringify(keys)).not.toContain(sender.key);
  });

  it('E1: a body is checked: 422 names every problem, 400 what is no JSON', async () => {
    const sender = await register();
    const refused = async (body: unknown, ...paths: string[]): Promise<void> => {
      const { status, answer } = await sender.post(JSON.stringify(body));
      expect(status).toBe(422);
      expect(answer.problems?.map(({ path }) => path)).toEqual(paths);
    };
    await refused({ mode: 'full', site, modules: [] }, 'modules');
    await refused({ mode: 'full', site, modules: modules(2_001) }, 'modules');
    await refused({ mode: 'some', site: { ...site, url: 'ftp://x' }, modules: modules(1) }, 'mode', 'site.url');
    const bad = [module('1st'), module('a', 'latest'), module('b', '1', { type: 'No Type' }), module('c'), module('c')];
    await refused(
      { mode: 'full', site, modules: bad.slice(0, 3) },
      'modules.0.name',
      'modules.1.version',
      'modules.2.type',
    );
    await refused({ mode: 'full', site, modules: bad.slice(3) }, 'modules.1.name');
    await refused({ mode: 'full', site, modules: modules(1), sites: [] }, '');
    expect((await sender.post('{"mode":')).status).toBe(400);
    expect((await audited(sender.id)).map(({ status, mode }) => [status, mode])).toEqual(
      Array.from({ length: 6 }, () => ['refused', 'unknown']),
    );
    expect(await stored(sender.id)).toEqual([]);
    expect((await sender.finished(await sender.sync('full', modules(2_000)))).counts.new).toBe(2_000);
  });

  it('E1: gzip is understood, and what is too large is refused, also after inflation', async () => {
    const sender = await register();
    const body = JSON.stringify({ mode: 'full', site, modules: modules(2_000) });
    const gzip = { 'content-encoding': 'gzip' };
    const accepted = await sender.post(gzipSync(body), gzip);
    expect(accepted.status).toBe(202);
    expect((await sender.finished(accepted)).counts.new).toBe(2_000);
    expect((await sender.post(gzipSync(Buffer.alloc(100 * 1024 * 1024, ' ')), gzip)).status).toBe(413);
    expect((await sender.post(Buffer.alloc(2 * 1024 * 1024, ' '))).status).toBe(413);
    expect((await sender.post('not gzip', gzip)).status).toBe(400);
    expect((await sender.finished(await sender.sync('full', modules(2_000)))).counts).toMatchObject({
      new: 0,
      removed: 0,
    });
  });

  it('E1: 60 requests an hour for each site', { timeout }, async () => {
    const [sender, other] = [await register(), await register()];
    for (let request = 0; request < 60; request += 1) {
      expect((await sender.sync('partial', [module('a', `1.${request}`)])).status).toBe(200);
    }
    const { status, headers } = await sender.sync('partial', [module('a')]);
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(3_000);
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(3_600);
    expect((await other.sync('partial', [module('a')])).status).toBe(200);
    expect(await stored(sender.id)).toEqual([module('a', '1.59')]);
  });

  it('E2: new, changed, switched off and removed modules are found; every version is kept', async () => {
    const { sync, id } = await register();
    await sync('full', [module('a'), module('b'), module('c')]);
    const next = [module('a', '1.1.0'), module('b', '1.0.0', { enabled: false }), module('d')];
    const { answer } = await sync('full', next);
    expect(answer.counts).toMatchObject({ processed: 3, new: 1, updated: 2, removed: 1 });
    expect(await stored(id)).toEqual(next);
    const partial = await sync('partial', [module('b'), module('e')]);
    expect(partial.answer.counts).toMatchObject({ processed: 2, new: 1, updated: 1, removed: 0 });
    expect(await stored(id)).toEqual([module('a', '1.1.0'), module('b'), module('d'), module('e')]);
    expect(await history(id)).toEqual([
      [1, 'a', '1.0.0'],
      [1, 'b', '1.0.0'],
      [1, 'c', '1.0.0'],
      [2, 'a', '1.1.0'],
      [2, 'b', '1.0.0'],
      [2, 'c', null],
      [2, 'd', '1.0.0'],
      [3, 'b', '1.0.0'],
      [3, 'e', '1.0.0'],
    ]);
    expect((await audited(id)).map(({ revision }) => revision).sort()).toEqual([1, 2, 3]);
  });

  it('E2: the relations of sites and modules are exact, however sites change', { timeout }, async () => {
    const senders = [await register(), await register()];
    const expected = new Map(senders.map(({ id }) => [id, new Map<string, Module>()]));
    for (let turn = 0; turn < 40; turn += 1) {
      const sender = senders[turn % 2] as Sender;
      const picked = ['a', 'b', 'c', 'd', 'e'].filter(() => Math.random() < 0.6);
      if (picked.length === 0) continue;
      const sent = picked.map((name) =>
        module(name, `${1 + Math.floor(Math.random() * 3)}.0`, { enabled: Math.random() < 0.8 }),
      );
      const mode = Math.random() < 0.5 ? 'full' : 'partial';
      expect((await sender.sync(mode, sent)).status).toBe(200);
      const known = expected.get(sender.id) ?? new Map();
      if (mode === 'full') known.clear();
      for (const each of sent) known.set(each.name, each);
    }
    for (const [id, known] of expected)
      expect(await stored(id)).toEqual([...known.values()].sort((one, other) => (one.name < other.name ? -1 : 1)));
  });

  it('E3: the answer: counts, warnings, security updates, and when to come again', async () => {
    await db
      .insertInto('catalogue')
      .values([{ module: 'a' }, { module: 'b' }])
      .execute();
    const fact = { module: 'b', version: '1.0.0', advisory: 'SA-1', fixed_in: '1.0.1' };
    await db
      .insertInto('security_facts')
      .values([fact, { ...fact, module: 'elsewhere' }])
      .execute();
    const { sync } = await register();
    const before = Date.now();
    const { answer, headers } = await sync('full', [module('a'), module('b'), module('made_at_home')]);
    expect(headers.get('content-type')).toBe('application/json');
    expect(answer).toEqual({
      syncId: expect.stringMatching(/^[\w-]{32,36}$/),
      status: 'completed',
      counts: { processed: 3, new: 3, updated: 0, removed: 0, securityUpdates: 1 },
      warnings: [{ code: 'UNKNOWN_MODULE', message: 'the module "made_at_home" is not in the catalogue' }],
      errors: [],
      processingMs: expect.any(Number),
      nextSyncAt: expect.any(String),
    });
    const inMinutes = (Date.parse(answer.nextSyncAt ?? '') - before) / 60_000;
    expect(Math.round(inMinutes)).toBe(1_440);
    const { counts } = (await sync('partial', [module('b', '1.0.1')])).answer;
    expect(counts).toMatchObject({ updated: 1, securityUpdates: 0 });
  });

  it('E3: what became of a sync can be asked for later, by its site alone', async () => {
    const [sender, other] = [await register(), await register()];
    const { answer } = await sender.sync('full', modules(2));
    expect(await sender.status(answer.syncId)).toEqual({ status: 200, answer });
    expect((await sender.status('unknown')).status).toBe(404);
    expect((await other.status(answer.syncId)).status).toBe(404);
    expect((await new Sender(sender.id, other.key, () => base).status(answer.syncId)).status).toBe(401);
  });

  it('E4: however many modules, the same few statements', async () => {
    const [few, many] = [await register(), await register()];
    const counted = async (sender: Sender, count: number): Promise<number> => {
      await sender.sync('full', modules(count));
      await idle(() => statements);
      const before = statements;
      expect((await sender.sync('full', modules(count, '2.0.0'))).answer.counts?.updated).toBe(count);
      return statements - before;
    };
    await stop();
    await start({ alertIntervalMs: 3_600_000 });
    expect(await counted(many, 1_000)).toBeLessThanOrEqual((await counted(few, 2)) + 1);
  });

  it('E5: syncs of one site at once follow each other, and none is lost or done twice', { timeout }, async () => {
    const { sync, id } = await register();
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        sync(index % 3 === 0 ? 'full' : 'partial', [module('a', `1.${index}`), module(`only_${index}`)]),
      ),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(Array.from({ length: 30 }, () => 200));
    const replayed = new Map<string, string>();
    let [created, removed, changes] = [0, 0, 0];
    for (const [, name, version] of await history(id)) {
      changes += 1;
      if (version === null) removed += 1;
      else if (!replayed.has(name as string)) created += 1;
      if (version === null) replayed.delete(name as string);
      else replayed.set(name as string, version as string);
    }
    expect((await stored(id)).map(({ name, version }) => [name, version])).toEqual([...replayed].sort());
    const sum = (pick: (counts: SyncResult['counts']) => number) =>
      outcomes.reduce((total, { answer }) => total + pick(answer.counts), 0);
    expect([sum((counts) => counts.new), sum((counts) => counts.removed)]).toEqual([created, removed]);
    expect(sum((counts) => counts.new + counts.updated + counts.removed)).toBe(changes);
    expect(await audited(id)).toHaveLength(30);
  });

  it('E5: a sync that comes again under its key is done once, and answered as before', async () => {
    const sender = await register();
    const headers = { 'idempotency-key': 'monday' };
    const body = JSON.stringify({ mode: 'full', site, modules: modules(2) });
    const first = await sender.post(body, headers);
    expect(first.status).toBe(200);
    const again = await sender.post(body, headers);
    expect(again.answer).toEqual(first.answer);
    expect(await audited(sender.id)).toHaveLength(1);
    expect((await sender.sync('full', modules(1))).answer.counts.removed).toBe(1);
  });

  it('E5: a sync that fails leaves nothing behind but a note, and a dead letter that can be tried again', {
    timeout,
  }, async () => {
    const { sync, id, status } = await register();
    await sync('full', modules(3));
    const heal = await refuseModule(db, 'poison');
    const { status: code, answer } = await sync('full', [...modules(2, '2.0.0'), module('poison')]);
    expect(code).toBe(500);
    const error = { code: 'SYNC_FAILED', message: 'what was sent could not be stored' };
    expect(answer).toMatchObject({ status: 'failed', errors: [error], counts: { new: 0 } });
    expect(await stored(id)).toEqual(modules(3));
    expect(await history(id)).toHaveLength(3);
    expect((await audited(id)).map((row) => row.status).sort()).toEqual(['completed', 'failed']);
    await until(async () => (await letters()).length === 1);
    const [letter] = await letters();
    expect(letter).toMatchObject({ event: { subject: id, id: answer.syncId }, error: { code: 'SYNC_FAILED' } });

    expect((await monitor.retryDeadLetter(letter?.event as SourceEvent)).status).toBe('failed');
    await heal();
    expect(await monitor.retryDeadLetter(letter?.event as SourceEvent)).toMatchObject({
      status: 'completed',
      counts: { new: 1, updated: 2, removed: 1 },
    });
    expect((await status(answer.syncId)).answer.status).toBe('completed');
    expect(await audited(id)).toHaveLength(2);
    await monitor.deadLetters.remove(letter === undefined ? [] : [letter]);
  });

  it('E5: a failed sync that is tried again does not undo a newer one', async () => {
    const { sync, id } = await register();
    const heal = await refuseModule(db, 'poison');
    await sync('full', [module('a', '1.0.0'), module('poison')]);
    await until(async () => (await letters()).length === 1);
    const [letter] = await letters();
    await heal();
    await sync('full', [module('a', '2.0.0')]);
    const result = await monitor.retryDeadLetter(letter?.event as SourceEvent);
    expect(result).toMatchObject({ status: 'superseded', warnings: [{ code: 'SUPERSEDED' }] });
    expect(await stored(id)).toEqual([module('a', '2.0.0')]);
    await monitor.deadLetters.remove(letter === undefined ? [] : [letter]);
  });

  it('E5: a large sync is accepted, done later, and its state can be asked for', { timeout }, async () => {
    const sender = await register();
    const accepted = await sender.sync('full', modules(1_500));
    expect(accepted.status).toBe(202);
    const { answer, headers } = accepted;
    expect(answer).toMatchObject({ status: 'queued', statusUrl: `/api/v1/sites/${sender.id}/syncs/${answer.syncId}` });
    expect(headers.get('location')).toBe(answer.statusUrl);
    expect(await sender.finished(accepted)).toMatchObject({
      status: 'completed',
      counts: { processed: 1_500, new: 1_500 },
    });
    expect(await stored(sender.id)).toHaveLength(1_500);
    expect((await audited(sender.id)).map(({ status, modules: count }) => [status, count])).toEqual([
      ['completed', 1_500],
    ]);
  });

  it('E5: what a site sends behind a large sync is applied behind it', { timeout }, async () => {
    const sender = await register();
    const large = await Promise.all([
      sender.sync('full', modules(1_500, '1.0.0')),
      ...[1, 2, 3].map((turn) => sender.sync('partial', [module(`small_${turn}`)])),
    ]);
    const next = await sender.sync('full', modules(1_200, '2.0.0'));
    const small = await sender.sync('partial', [module('module_0', '3.0.0')]);
    expect([next.status, small.status]).toEqual([202, 200]);
    for (const each of [...large, next, small]) expect((await sender.finished(each)).status).toBe('completed');
    const [first, second] = await stored(sender.id);
    expect([first, second]).toEqual([module('module_0', '3.0.0'), module('module_1', '2.0.0')]);
    expect(await stored(sender.id)).toHaveLength(1_200);
  });

  it('E5: a large sync that fails says so when it is asked for, and is a dead letter', { timeout }, async () => {
    const sender = await register();
    const heal = await refuseModule(db, 'poison');
    const accepted = await sender.sync('full', [...modules(1_500), module('poison')]);
    expect(accepted.status).toBe(202);
    expect(await sender.finished(accepted)).toMatchObject({ status: 'failed', errors: [{ code: 'SYNC_FAILED' }] });
    await until(async () => (await letters()).length === 1);
    await heal();
    const [letter] = await letters();
    expect((await monitor.retryDeadLetter(letter?.event as SourceEvent)).counts.new).toBe(1_501);
    await monitor.deadLetters.remove(letter === undefined ? [] : [letter]);
  });

  it('E5: accepted syncs are done after a restart', { timeout }, async () => {
    const senders = await Promise.all(Array.from({ length: 5 }, register));
    const accepted = await Promise.all(senders.map(({ sync }) => sync('full', modules(1_500))));
    await stop();
    await start();
    for (const [index, sender] of senders.entries()) {
      const outcome = await sender.finished(accepted[index] as (typeof accepted)[number]);
      expect(outcome).toMatchObject({ status: 'completed', counts: { new: 1_500 } });
      expect(await stored(sender.id)).toHaveLength(1_500);
    }
  });

  it('E6: 100 sites at once, each with its own; every sync is audited', { timeout }, async () => {
    const senders = await Promise.all(Array.from({ length: 100 }, register));
    const rounds = [1, 2].map((round) =>
      Promise.all(
        senders.map(({ sync, id }, index) => sync('full', [module(id), ...modules(20 + index, `${round}.0`)])),
      ),
    );
    for (const outcome of (await Promise.all(rounds)).flat())
      expect(outcome.answer).toMatchObject({ status: 'completed' });
    for (const [index, { id }] of senders.entries()) {
      const names = (await stored(id)).map(({ name }) => name);
      expect(names).toHaveLength(21 + index);
      expect(names).toContain(id);
      expect((await audited(id)).map(({ status, modules: count }) => [status, count])).toEqual(
        [1, 2].map(() => ['completed', 21 + index]),
      );
    }
  });

  it('E6: an alert when a security update is found: once, and again for another version or advisory', async () => {
    const { sync, id } = await register();
    const fact = { module: 'weak', version: '1.0.0', advisory: 'SA-2', fixed_in: '1.0.1' };
    const told = () => alerts.map(({ data }) => data).filter((data) => data.site === id);
    await db
      .insertInto('security_facts')
      .values([fact, { ...fact, version: '1.1.0' }])
      .execute();
    await sync('full', [module('weak'), module('a')]);
    const data = { site: id, module: 'weak', version: '1.0.0', advisory: 'SA-2', fixedIn: '1.0.1' };
    await until(async () => told().length === 1);
    expect(told()).toEqual([data]);
    await sync('full', [module('weak'), module('a', '2.0.0')]);
    await sync('full', [module('weak', '1.1.0')]);
    await until(async () => told().length === 2);
    await sync('full', [module('weak', '1.2.0')]);
    // Found for what has not changed.
    await db
      .insertInto('security_facts')
      .values({ ...fact, version: '1.2.0', advisory: 'SA-3' })
      .execute();
    await sync('partial', [module('a')]);
    await until(async () => told().length === 3);
    expect(told().slice(1)).toEqual([
      { ...data, version: '1.1.0' },
      { ...data, version: '1.2.0', advisory: 'SA-3' },
    ]);
    await stop();
    await start();
    await sync('full', [module('weak', '1.2.0')]);
    await until(
      async () => (await db.selectFrom('alerts').where('told_at', 'is', null).selectAll().execute()).length === 0,
    );
    expect(told()).toEqual([]);
  });

  it('E6: an alert when syncs of a site fail one after another', async () => {
    const { sync, id, post } = await register();
    const told = () => alerts.flatMap((alert) => (alert.data.site === id ? [alert.data] : []));
    const heal = await refuseModule(db, 'poison');
    await sync('full', [module('poison')]);
    await post('{}');
    await sync('full', [module('a')]);
    for (let failure = 0; failure < 2; failure += 1) await sync('full', [module('poison')]);
    await post('{}');
    await until(async () => told().length === 1);
    expect(told()).toEqual([{ site: id, failures: 3, lastError: expect.stringMatching(/problems, the first: mode/) }]);
    await heal();
    await until(async () => (await letters()).length === 3);
    await monitor.deadLetters.remove(await letters());
  });

  const letters = async (): Promise<DeadLetter[]> => {
    const all: DeadLetter[] = [];
    for await (const letter of monitor.deadLetters.list()) all.push(letter);
    return all;
  };
});

/** The database itself refuses a module from now on, until what this gives is called. */
async function refuseModule(db: Kysely<Tables>, name: string): Promise<() => Promise<void>> {
  const run = async (text: string): Promise<void> => {
    await sql.raw(text).execute(db);
  };
  if (db.getExecutor().adapter.supportsTransactionalDdl) {
    await run(`alter table monitor_modules add constraint refused check (itemkey <> '${name}') not valid`);
    return () => run('alter table monitor_modules drop constraint refused');
  }
  const refuse = `begin select raise(abort, 'refused'); end`;
  await run(`create trigger refused before insert on monitor_modules when new.itemkey = '${name}' ${refuse}`);
  return () => run('drop trigger refused');
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Nothing has changed for a few turns of the event loop. */
async function idle(read: () => number): Promise<void> {
  for (let last = Number.NaN; last !== read(); ) {
    last = read();
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** A site that sends. */
class Sender {
  constructor(
    readonly id: string,
    readonly key: string,
    readonly base: () => string,
  ) {}

  readonly sync = (mode: SyncRequest['mode'], sent: readonly Module[]) =>
    this.post(JSON.stringify({ mode, site, modules: sent }));

  readonly post = async (body: string | Buffer, more: Record<string, string | undefined> = {}) => {
    const given = { 'x-api-key': this.key, 'content-type': 'application/json', ...more };
    const headers = Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => !!entry[1]));
    const response = await fetch(`${this.base()}/${this.id}/modules/sync`, { method: 'POST', headers, body });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      answer: (text === '' ? {} : JSON.parse(text)) as Answer,
    };
  };

  /** What became of a sync, once that is known. */
  readonly finished = async ({ answer: { syncId } }: { answer: Answer }): Promise<Answer> => {
    for (;;) {
      const { answer } = await this.status(syncId);
      if (answer.status !== 'queued') return answer;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  readonly status = async (sync: string): Promise<{ status: number; answer: Answer }> => {
    const response = await fetch(`${this.base()}/${this.id}/syncs/${sync}`, { headers: { 'x-api-key': this.key } });
    return { status: response.status, answer: (await response.json()) as Answer };
  };
}
