import { execFileSync } from 'node:child_process';
import type { FakeClock } from 'headwater/testing';
import { describe, expect, test } from 'vitest';
import { type Asked, ask } from './github/ask.js';
import { githubForEach } from './github/for-each.js';
import type { Repository } from './github/repository.js';
import type { RepositoryGit } from './github/repository-git.js';
import type { GithubServer } from './github/server.js';
import { describeGit } from './needs.js';

let clock: FakeClock;
let server: GithubServer;
let repository: Repository;
let git: RepositoryGit;
let token: string;

githubForEach((started) => {
  ({ clock, server, token } = started);
  repository = server.repository('octo/spoon');
  git = repository.git;
});

const get = (path: string): Promise<Asked> => ask(server, `/repos/octo/spoon/${path}`, { token });

function shas({ json }: Asked): string[] {
  return (json as { sha: string }[]).map(({ sha }) => sha);
}

interface Compared {
  readonly status: string;
  readonly ahead_by: number;
  readonly behind_by: number;
  readonly total_commits: number;
  readonly merge_base_commit: { readonly sha: string };
  readonly commits: readonly { readonly sha: string }[];
  readonly files?: readonly unknown[];
}

describe('commits', () => {
  test('are listed from the newest, of the default branch or of any revision', async () => {
    const main = git.commits(3).map(({ sha }) => sha);
    const topic = git.commit({ branch: 'topic' }).sha;
    git.tag('v1', main[0]);
    expect(shas(await get('commits'))).toEqual(main.toReversed());
    expect(shas(await get('commits?sha=topic'))).toEqual([topic, ...main.toReversed()]);
    expect(shas(await get(`commits?sha=${main[1]}`))).toEqual([main[1], main[0]]);
    expect(shas(await get('commits?sha=v1'))).toEqual([main[0]]);
    expect((await get('commits?sha=nothing')).status).toBe(404);
  });

  test('GH8: are filtered by the date of the committer, not of the author', async () => {
    const old = git.commit({ authorDate: '2026-01-14T00:00:00Z', committerDate: '2026-01-10T00:00:00Z' });
    const late = git.commit({ authorDate: '2026-01-01T00:00:00Z', committerDate: '2026-01-14T00:00:00Z' });
    expect(shas(await get('commits?since=2026-01-12T00:00:00Z'))).toEqual([late.sha]);
    expect(shas(await get('commits?until=2026-01-12T00:00:00Z'))).toEqual([old.sha]);
  });

  test('are filtered by the paths they change', async () => {
    const inside = git.commit({ paths: ['docs/a.md'] });
    git.commit({ paths: ['src/a.ts'] });
    expect(shas(await get('commits?path=docs'))).toEqual([inside.sha]);
    expect(shas(await get('commits?path=docs/a.md'))).toEqual([inside.sha]);
    expect(shas(await get('commits?path=doc'))).toEqual([]);
  });

  test('come after all of their children, whatever their dates', async () => {
    const first = git.commit({ committerDate: '2026-01-14T00:00:00Z' });
    const topic = git.commit({ branch: 'topic', committerDate: '2026-01-01T00:00:00Z' });
    const second = git.commit({ committerDate: '2026-01-13T00:00:00Z' });
    const merge = git.merge('topic');
    expect(shas(await get('commits'))).toEqual([merge, second, topic, first].map(({ sha }) => sha));
  });

  test('are asked for alone by any name, with their files', async () => {
    const { sha } = git.commit({ paths: ['a.ts', 'b.ts'] });
    for (const revision of ['main', 'heads/main', sha]) {
      const { json } = await get(`commits/${revision}`);
      expect(json).toMatchObject({ sha, stats: { total: 2 }, files: [{ filename: 'a.ts' }, { filename: 'b.ts' }] });
    }
    const { status, json } = await get('commits/0000000');
    expect([status, json]).toMatchObject([422, { message: 'No commit found for SHA: 0000000' }]);
  });

  test('pages of a moving branch shift, and of a fixed commit do not', async () => {
    git.commits(6);
    const tip = git.head();
    const [byBranch, bySha] = [await get('commits?per_page=3'), await get(`commits?per_page=3&sha=${tip}`)];
    git.commit();
    const next = (page: Asked): Promise<Asked> => ask(server, page.links['next'] ?? '', { token });
    expect(shas(await next(byBranch))).toContain(shas(byBranch)[2]);
    expect(shas(await next(bySha))).not.toContain(shas(bySha)[2]);
  });
});

describe('branches and references', () => {
  test('are listed by name', async () => {
    const { sha } = git.commit();
    git.branch('b/slash');
    git.branch('a');
    git.tag('v1');
    expect((await get('branches')).json).toMatchObject([
      { name: 'a', commit: { sha } },
      { name: 'b/slash' },
      { name: 'main' },
    ]);
    const references = (await get('git/matching-refs/heads')).json;
    expect(references).toMatchObject(
      ['a', 'b/slash', 'main'].map((name) => ({ ref: `refs/heads/${name}`, object: { sha } })),
    );
    expect((await get('git/matching-refs/heads/nothing')).json).toEqual([]);
    expect((await get('git/ref/tags/v1')).json).toMatchObject({ ref: 'refs/tags/v1' });
    expect((await get('git/ref/heads/ma')).status).toBe(404);
    expect((await get('branches/b%2Fslash')).json).toMatchObject({ name: 'b/slash', commit: { sha } });
    git.deleteBranch('a');
    expect((await get('branches/a')).status).toBe(404);
  });
});

describe('comparison', () => {
  const compare = async (basehead: string): Promise<Compared> => (await get(`compare/${basehead}`)).json as Compared;

  test('tells identical, ahead, behind and diverged', async () => {
    const [first, , third] = git.commits(3).map(({ sha }) => sha);
    git.branch('topic', first);
    git.commit({ branch: 'topic' });
    expect(await compare('main...main')).toMatchObject({ status: 'identical', ahead_by: 0, behind_by: 0, commits: [] });
    expect(await compare(`${first}...main`)).toMatchObject({ status: 'ahead', ahead_by: 2, behind_by: 0 });
    expect(await compare(`main...${first}`)).toMatchObject({
      status: 'behind',
      ahead_by: 0,
      behind_by: 2,
      commits: [],
    });
    const diverged = await compare('main...topic');
    expect(diverged).toMatchObject({ status: 'diverged', ahead_by: 1, behind_by: 2 });
    expect(diverged.merge_base_commit.sha).toBe(first);
    expect((await compare(`${first}...main`)).commits.at(-1)?.sha).toBe(third);
  });

  test('lists from the oldest, both sides of a merge', async () => {
    const [base] = git.commits(1).map(({ sha }) => sha);
    await clock.advance(60_000);
    const topic = git.commit({ branch: 'topic' }).sha;
    await clock.advance(60_000);
    const main = git.commit().sha;
    const merge = git.merge('topic').sha;
    expect((await compare(`${base}...main`)).commits.map(({ sha }) => sha)).toEqual([topic, main, merge]);
  });

  test('without paging has the last 250 commits, and the files of all', async () => {
    const [base, ...rest] = git.commits(302).map(({ sha }) => sha);
    const whole = await compare(`${base}...main`);
    expect(whole).toMatchObject({ total_commits: 301 });
    expect(whole.commits.map(({ sha }) => sha)).toEqual(rest.slice(-250));
    expect(whole.files).toHaveLength(300);
  });

  test('with paging has all commits from the oldest, and files on the first page', async () => {
    const [base, ...rest] = git.commits(231).map(({ sha }) => sha);
    const pages = [await get(`compare/${base}...main?per_page=100`)];
    for (let next = pages[0]?.links['next']; next !== undefined; next = pages.at(-1)?.links['next'])
      pages.push(await ask(server, next, { token }));
    const compared = pages.map(({ json }) => json as Compared);
    expect(compared.flatMap(({ commits }) => commits.map(({ sha }) => sha))).toEqual(rest);
    expect(compared.map(({ files }) => files?.length)).toEqual([230, undefined, undefined]);
    expect(server.violations).toEqual([]);
  });

  test('of what has nothing in common, or is unknown, is not found', async () => {
    git.commits(1);
    git.orphan('pages');
    const { status, json } = await get('compare/main...pages');
    expect([status, json]).toMatchObject([404, { message: 'No common ancestor between main and pages.' }]);
    expect((await get('compare/nothing...main')).status).toBe(404);
  });

  test('GH8: after a forced push still knows the old commits, until they are collected', async () => {
    git.commits(2);
    const replaced = [1, 2, 3].map(() => git.commit({ branch: 'topic' }).sha);
    await clock.advance(60_000);
    git.commit();
    const old = git.head('topic');
    const replayed = git.rebase('topic', 'main');
    expect(replayed.map(({ committer }) => committer.date)).toEqual(Array(3).fill('2026-01-15T12:00:00Z'));
    expect(replayed.map(({ sha }) => sha)).not.toEqual(replaced);
    const compared = await compare(`${old}...topic`);
    expect(compared).toMatchObject({ status: 'diverged', ahead_by: 4, behind_by: 3 });
    git.collectGarbage();
    expect((await get(`compare/${old}...topic`)).status).toBe(404);
    expect((await get(`commits/${old}`)).status).toBe(422);
  });
});

describeGit('commits and git', () => {
  test('agree on the name of a commit', () => {
    const commit = git.commit({
      message: 'Möwe\n\nTwo lines',
      author: 'Mona Lisa',
      authorDate: '2026-01-01T00:00:00Z',
    });
    const person = ({ name, email, date }: typeof commit.author): string =>
      `${name} <${email}> ${Date.parse(date) / 1000} +0000`;
    const text = `tree ${commit.tree}\nauthor ${person(commit.author)}\ncommitter ${person(commit.committer)}\n\n${commit.message}`;
    const named = execFileSync('git', ['hash-object', '-t', 'commit', '--stdin', '--literally'], { input: text });
    expect(named.toString().trim()).toBe(commit.sha);
  });
});
