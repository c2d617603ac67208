import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase, type Tables } from '../../examples/module-monitor/database.js';
import { Sites } from '../../examples/module-monitor/sites.js';
import { exampleDatabases } from './example-databases.js';
import { runExample, startExample } from './run-example.js';

const timeout = 120_000;
const KILLS = 3;
const SITES = 3;
const LARGE = 1_500;
const site = { url: 'https://shop.example', platform: 'drupal', platformVersion: '10.3.1' };

interface Sent {
  readonly site: string;
  readonly key: string;
  readonly turn: number;
  readonly syncId: string;
}

describe.each(exampleDatabases)('a module monitor in $name, as a program', ({ name, open }) => {
  let url = '';
  let drop: () => Promise<void>;
  let work = '';

  beforeAll(async () => {
    ({ url, drop } = await open());
    work = mkdtempSync(join(tmpdir(), 'headwater-module-monitor-'));
  });
  afterAll(async () => {
    await drop();
    rmSync(work, { recursive: true, force: true });
  });

  const serve = async () => {
    const { child, ended } = startExample('module-monitor', work, ['serve', '--port', '0', '--database', url]);
    onTestFinished(() => void child.kill('SIGKILL'));
    const base = await new Promise<string>((resolve, reject) => {
      child.stdout?.on('data', (text: string) => {
        const [found] = /http:\S+/.exec(text) ?? [];
        if (found !== undefined) resolve(found);
      });
      void ended.then(({ stdout }) => reject(new Error(`it ended: ${stdout}`)));
    });
    return { base: `${base}/api/v1/sites`, child, ended };
  };
  const addSite = (id: string): Promise<string> => read((db) => new Sites(db).register(id));
  const read = async <Result>(look: (db: Kysely<Tables>) => Promise<Result>): Promise<Result> => {
    const db = await openDatabase(url);
    try {
      return await look(db);
    } finally {
      await db.destroy();
    }
  };

  it('E5: killed at random, every sync that was accepted is done, once and in order', { timeout }, async () => {
    const keys = new Map<string, string>();
    for (let index = 0; index < SITES; index += 1) keys.set(`site-${index}`, await addSite(`site-${index}`));
    const accepted: Sent[] = [];
    let turn = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const { base, child, ended } = await serve();
      const sending = [...keys].map(async ([id, key]) => {
        for (;;) {
          turn += 1;
          const [mine, syncId] = [turn, await send(base, id, key, turn)];
          accepted.push({ site: id, key, turn: mine, syncId });
        }
      });
      const timer = setTimeout(() => child.kill('SIGKILL'), 300 + Math.random() * 1_500);
      await Promise.allSettled(sending);
      clearTimeout(timer);
      await ended;
    }
    const { base, child, ended } = await serve();
    for (const { site: id, key, syncId } of accepted) expect(await finished(base, id, key, syncId)).toBe('completed');
    child.kill('SIGTERM');
    expect((await ended).status).toBe(0);
    expect(accepted.length).toBeGreaterThan(0);
    await read((db) => checkAll(db, accepted));
  });

  if (name === 'SQLite') {
    it('shows a key once, and says what is wrong with the command line', { timeout }, async () => {
      const run = (...words: string[]) => runExample('module-monitor', work, ...words, '--database', url);
      const shown = run('add-site', 'shop');
      const ended = await Promise.all([run('add-site', 'no name'), run('unknown'), run('dead-letters'), run('retry')]);
      expect(ended.map(({ status }) => status)).toEqual([1, 1, 0, 0]);
      expect(ended.map(({ stdout }) => stdout).join('')).toBe('');
      const { stdout, status } = await shown;
      expect(status).toBe(0);
      expect(await read((db) => new Sites(db).check('shop', stdout.trim()))).toBeUndefined();
      expect(JSON.stringify(await read((db) => db.selectFrom('api_keys').selectAll().execute()))).not.toContain(
        stdout.trim(),
      );
    });
    return;
  }

  it('E5: a database whose connections break is waited for: nothing is lost', { timeout }, async () => {
    const key = await addSite('broken');
    const { base, child, ended } = await serve();
    const admin = new pg.Client(url);
    await admin.connect();
    const breaking = setInterval(() => {
      const others = 'application_name = current_setting($1) and pid <> pg_backend_pid()';
      void admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${others}`, ['application_name']);
    }, 50);
    const accepted: Sent[] = [];
    for (let turn = 1; turn <= 15; ) {
      const syncId = await send(base, 'broken', key, turn).catch(() => undefined);
      if (syncId === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      accepted.push({ site: 'broken', key, turn, syncId });
      turn += 1;
    }
    clearInterval(breaking);
    for (const { syncId } of accepted) expect(await finished(base, 'broken', key, syncId)).toBe('completed');
    child.kill('SIGTERM');
    await ended;
    await admin.end();
    await read((db) => checkAll(db, accepted));
  });
});

/** A large sync, whose modules all have the number of the turn as their version; gives its id when it was accepted. */
async function send(base: string, id: string, key: string, turn: number): Promise<string> {
  const modules = Array.from({ length: LARGE }, (_, index) => ({
    name: `module_${index}`,
    type: 'module',
    version: `${turn}.0`,
  }));
  const response = await fetch(`${base}/${id}/modules/sync`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'idempotency-key': `${turn}`, 'content-type': 'application/json' },
    body: JSON.stringify({ mode: 'full', site, modules }),
  });
  const { syncId } = (await response.json()) as { syncId: string };
  if (response.status > 202) throw new Error(`answered with ${response.status}`);
  return syncId;
}

async function finished(base: string, id: string, key: string, sync: string): Promise<string> {
  for (;;) {
    const response = await fetch(`${base}/${id}/syncs/${sync}`, { headers: { 'x-api-key': key } });
    const { status } = (await response.json()) as { status?: string };
    if (response.status === 200 && status !== undefined && status !== 'queued') return status;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Each site has what was sent last, and its history tells of every sync once, in the order in which they were sent. */
async function checkAll(db: Kysely<Tables>, accepted: readonly Sent[]): Promise<void> {
  for (const id of new Set(accepted.map((each) => each.site))) {
    const history = await db
      .selectFrom('monitor_modules_history')
      .select(['revision', 'version'])
      .where('groupid', '=', id)
      .where('itemkey', '=', 'module_0')
      .orderBy('revision')
      .execute();
    const turns = history.map(({ version }) => Number.parseInt(version ?? '', 10));
    expect(turns).toEqual([...new Set(turns)].sort((one, other) => one - other));
    for (const { turn } of accepted.filter((each) => each.site === id)) expect(turns).toContain(turn);
    const stored = await db.selectFrom('monitor_modules').select('version').where('groupid', '=', id).execute();
    expect(stored).toHaveLength(LARGE);
    expect(new Set(stored.map(({ version }) => Number.parseInt(version, 10)))).toEqual(new Set([turns.at(-1)]));
  }
}
