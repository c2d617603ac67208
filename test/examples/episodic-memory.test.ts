import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Tables } from '../../examples/episodic-memory/database.js';
import { faults } from '../services/github/faults.js';
import type { Repository } from '../services/github/repository.js';
import { GithubServer } from '../services/github/server.js';
import type { SlackChannel } from '../services/slack/channel.js';
import { SlackServer } from '../services/slack/slack-server.js';
import { exampleDatabases } from './example-databases.js';
import { type Ended, startExample } from './run-example.js';

type Row = Tables['episodes'];

const LONG_AGO = new Date('2026-01-02T03:04:05Z');
const REQUESTS = 300;
const timeout = 120_000;
const SECRETS = { github: '', slack: '' };

/** A world around an agent: a repository, documents, an API, GitHub, Slack, and a journal. */
class World {
  readonly work = mkdtempSync(join(tmpdir(), 'headwater-episodic-memory-'));
  readonly repository: Repository;
  readonly channel: SlackChannel;
  readonly #requests: string;
  readonly #journal: string;
  /** Of each kind, how many episodes there are to remember. */
  readonly expected: Record<string, number> = {};

  constructor(
    readonly github: GithubServer,
    readonly slack: SlackServer,
  ) {
    this.repository = github.repository('octo/spoon');
    this.channel = slack.workspace.channel('general');
    this.#requests = this.#file('api/access.log');
    this.#journal = this.#file('journal.jsonl');
    SECRETS.github = github.personalToken();
    SECRETS.slack = slack.token;
    Object.assign(process.env, { GITHUB_TOKEN: SECRETS.github, SLACK_TOKEN: SECRETS.slack });
    this.#git('init', '--quiet', '--initial-branch=main');
    this.#writeSettings();
  }

  /** So many things happen, in every place. */
  happen(count: number): void {
    for (let index = 0; index < count; index += 1) {
      this.#git('commit', '--quiet', '--allow-empty', '--message', `commit ${this.#next('commit')}`);
      const path = this.#file(`docs/note-${this.#next('file')}.md`);
      writeFileSync(path, `a note ${index}`);
      utimesSync(path, LONG_AGO, LONG_AGO);
      this.repository.issue({ title: `issue ${this.#next('issue')}` });
      this.repository.pull({ title: `pull ${this.#next('pull request')}` });
      this.channel.post({ text: `message ${this.#next('message')}` });
      const note = { time: '2026-01-02T03:04:05Z', session: 's', note: `thought ${this.#next('note')}` };
      appendFileSync(this.#journal, `${JSON.stringify(note)}\n`);
    }
    for (let index = 0; index < REQUESTS; index += 1) {
      const request = `GET /api/orders/${this.#next('request')}?token=secret HTTP/1.1`;
      appendFileSync(this.#requests, `203.0.113.7 - - [02/Jan/2026:03:04:05 +0000] "${request}" 502 7 "-" "-"\n`);
      appendFileSync(this.#requests, '203.0.113.7 - - [02/Jan/2026:03:04:05 +0000] "GET / HTTP/1.1" 200 7 "-" "-"\n');
    }
  }

  run(database: string, ...more: string[]): Promise<Ended> {
    return this.#start(database, more).ended;
  }

  async runAndKill(database: string, afterMs: number): Promise<void> {
    const { child, ended } = this.#start(database, []);
    const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
    await ended;
    clearTimeout(timer);
  }

  #start(database: string, more: readonly string[]): ReturnType<typeof startExample> {
    const settings = this.#file('settings.json');
    return startExample('episodic-memory', this.work, [...more, '--settings', settings, '--database', database]);
  }

  close(): void {
    rmSync(this.work, { recursive: true, force: true });
  }

  #writeSettings(): void {
    const sources = [
      { type: 'git', id: 'history', config: { dir: this.#file('repository') } },
      { type: 'filesystem', id: 'documents', config: { dir: this.#file('docs'), parse: 'text' } },
      { type: 'journal', id: 'journal', config: { file: this.#journal } },
      {
        type: 'api-log',
        id: 'api',
        config: { files: this.#requests, filter: { status: '5xx', endpoint: '/api/**' } },
      },
      {
        type: 'github',
        id: 'github',
        config: { baseUrl: this.github.url, owner: 'octo', repo: 'spoon', streams: ['issues', 'pulls'] },
        credentials: { ref: 'GITHUB' },
      },
      {
        type: 'slack',
        id: 'slack',
        config: { apiUrl: this.slack.url, channels: ['general'] },
        credentials: { ref: 'SLACK' },
      },
      { type: 'slack', id: 'switched-off', enabled: false, config: {}, credentials: { ref: 'NOBODY' } },
    ];
    writeFileSync(this.#file('settings.json'), JSON.stringify({ project: 'test', sources }));
  }

  #next(kind: string): number {
    this.expected[kind] = (this.expected[kind] ?? 0) + 1;
    return this.expected[kind];
  }

  /** Below the working directory; its folder is there. */
  #file(path: string): string {
    const full = join(this.work, path);
    mkdirSync(path.includes('.') ? join(full, '..') : full, { recursive: true });
    return full;
  }

  #git(...command: string[]): void {
    const identity = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.com'];
    execFileSync('git', [...identity, ...command], { cwd: this.#file('repository') });
  }
}

describe.each(exampleDatabases)('an episodic memory in $name', ({ name, open }) => {
  let world: World;
  let url = '';
  let drop: () => Promise<void>;

  beforeAll(async () => {
    world = new World(await GithubServer.start({ clock: { now: () => Date.now() } }), await SlackServer.start());
    ({ url, drop } = await open());
  });
  afterAll(async () => {
    world.close();
    await Promise.all([drop(), world.github.close(), world.slack.stop()]);
  });

  const remembered = async (): Promise<Row[]> => {
    const database = await openDatabase(url);
    try {
      return await database.selectFrom('episodes').selectAll().execute();
    } finally {
      await database.destroy();
    }
  };
  const expectExactly = async (): Promise<Row[]> => {
    const rows = await remembered();
    const counts: Record<string, number> = {};
    for (const { kind } of rows) counts[kind] = (counts[kind] ?? 0) + 1;
    expect(counts).toEqual(world.expected);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    return rows;
  };

  it('B3, B4, B7: the first run remembers everything, from every place, in its own form', { timeout }, async () => {
    world.happen(5);
    const { status, stdout } = await world.run(url);
    expect(status).toBe(0);
    const rows = await expectExactly();
    const one = (kind: string): Row | undefined => rows.find((row) => row.kind === kind);
    expect(one('message')).toMatchObject({ project: 'test', content: expect.stringContaining('message 1') });
    expect(one('issue')).toMatchObject({
      session: 'octo/spoon#1',
      content: expect.stringMatching(/^issue 1 \(open\)/),
    });
    expect(one('note')).toMatchObject({ session: 's', content: 'thought 1', time: '2026-01-02T03:04:05.000Z' });
    expect(one('file')).toMatchObject({ session: 'note-1.md', content: 'a note 0' });
    expect(one('request')?.content).toMatch(/^GET \/api\/orders\/\d+ was answered with 502$/);
    // B6: of each source how much it brought, and how long that took.
    for (const id of ['history', 'documents', 'journal', 'api', 'github', 'slack']) {
      expect(stdout).toMatch(new RegExp(`^${id}: completed, \\d+ events in \\d+ ms$`, 'm'));
    }
    expect(stdout).not.toContain('switched-off');
  });

  it('B4: later runs bring only what is new, in another process', { timeout }, async () => {
    expect((await world.run(url)).stdout).toMatch(/^history: completed, 0 events/m);
    await expectExactly();
    world.happen(2);
    await world.run(url);
    await expectExactly();
  });

  it('B4: killed at random moments, each episode is there once', { timeout }, async () => {
    for (let kill = 0; kill < 3; kill += 1) {
      world.happen(3);
      await world.runAndKill(url, 500 + Math.random() * 2_000);
    }
    await world.run(url);
    await expectExactly();
  });

  // What follows asks nothing of the database that was not asked yet.
  if (name !== 'SQLite') return;

  it('B5, B6: what fails and passes is tried again; what fails for good stops no other', { timeout }, async () => {
    world.github.inject(faults.status(502), { times: 2 });
    world.slack.fail('*', 1, { kind: 'status', status: 503 });
    world.happen(1);
    expect((await world.run(url)).status).toBe(0);
    await expectExactly();

    world.github.revoke(SECRETS.github);
    world.happen(1);
    const { status, stdout } = await world.run(url);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^github: failed/m);
    const rows = await remembered();
    expect(rows.filter(({ kind }) => kind === 'message')).toHaveLength(world.expected['message'] ?? 0);
  });

  it('recalls by words, and shows what a source holds without storing it', { timeout }, async () => {
    expect((await world.run(url, 'recall', 'thought', '2')).stdout).toMatch(/ {2}note {2}s {2}thought 2$/m);
    const before = await remembered();
    const { stdout } = await world.run(url, 'preview', 'api');
    expect(stdout).toContain(`${world.expected['request']}  request`);
    expect(await remembered()).toEqual(before);
  });

  it('B2: no secret is in what it remembers or says', { timeout }, async () => {
    const { stdout } = await world.run(url, 'recall');
    for (const secret of [...Object.values(SECRETS), 'token=secret']) {
      expect(`${stdout}${JSON.stringify(await remembered())}`).not.toContain(secret);
    }
  });
});
