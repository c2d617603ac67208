import type { FakeClock } from 'headwater/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Asked, ask } from './github/ask.js';
import { githubForEach } from './github/for-each.js';
import type { Repository } from './github/repository.js';
import type { GithubServer } from './github/server.js';

let clock: FakeClock;
let server: GithubServer;
let repository: Repository;
let token: string;

githubForEach(
  (started) => {
    ({ clock, server, token } = started);
    repository = server.repository('octo/spoon');
  },
  { mayViolate: true },
);

const get = (path: string): Promise<Asked> => ask(server, path, { token });

function numbers({ json }: Asked): number[] {
  return (json as { number: number }[]).map(({ number }) => number);
}

function ids({ json }: Asked): number[] {
  return (json as { id: number }[]).map(({ id }) => id);
}

async function walk(path: string): Promise<Asked[]> {
  const pages: Asked[] = [];
  for (let next: string | undefined = path; next !== undefined; next = pages.at(-1)?.links['next'])
    pages.push(await get(next));
  return pages;
}

describe('pages', () => {
  test('are 30 long unless asked otherwise, and linked by the number of the repository', async () => {
    repository.issues(70);
    const first = await get('/repos/octo/spoon/issues');
    expect(numbers(first)).toHaveLength(30);
    const base = `${server.url}/repositories/${repository.id}/issues`;
    expect(first.links).toEqual({ next: `${base}?page=2`, last: `${base}?page=3` });
    const second = await get(first.links['next'] ?? '');
    expect(second.links).toEqual({
      prev: `${base}?page=1`,
      next: `${base}?page=3`,
      last: `${base}?page=3`,
      first: `${base}?page=1`,
    });
    const third = await get(second.links['next'] ?? '');
    expect(third.links).toEqual({ prev: `${base}?page=2`, first: `${base}?page=1` });
    expect([first, second, third].flatMap(numbers)).toEqual(Array.from({ length: 70 }, (_, index) => 70 - index));
    expect(server.violations).toEqual([]);
  });

  test('keep every other parameter in their links', async () => {
    repository.issues(3);
    const { links } = await get('/repos/octo/spoon/issues?state=all&per_page=2&since=2026-01-01T00:00:00Z');
    expect(new URL(links['next'] ?? '').searchParams.toString()).toBe(
      'state=all&per_page=2&since=2026-01-01T00%3A00%3A00Z&page=2',
    );
  });

  test('have no Link header when there is one', async () => {
    repository.issues(30);
    expect((await get('/repos/octo/spoon/issues')).headers['link']).toBeUndefined();
  });

  test('beyond the last are empty', async () => {
    repository.issues(2);
    expect(numbers(await get('/repos/octo/spoon/issues?page=9'))).toEqual([]);
  });

  test('are never longer than 100, however many are asked for', async () => {
    repository.issues(150);
    expect(numbers(await get('/repos/octo/spoon/issues?per_page=150'))).toHaveLength(100);
    expect(server.violations).toEqual([expect.stringContaining('per_page=150, which is out of range')]);
  });

  test('GH1: an item updated between two pages moves, so that a walk by page numbers skips another', async () => {
    repository.issues(250);
    server.before(2, () => repository.edit(repository.issueRecords[4]));
    await clock.advance(60_000);
    const pages = await walk('/repos/octo/spoon/issues?sort=updated&direction=asc&per_page=100');
    const seen = pages.flatMap(numbers);
    expect(seen.filter((number) => number === 5)).toHaveLength(2);
    expect(seen).not.toContain(101);
  });
});

describe('long lists of issues', () => {
  beforeEach(() => {
    server.settings.pageWindow = 200;
    repository.issues(250);
  });

  test('GH4: are linked by cursors and refuse page numbers', async () => {
    const pages = await walk('/repos/octo/spoon/issues?per_page=100');
    expect(pages.flatMap(numbers)).toEqual(Array.from({ length: 250 }, (_, index) => 250 - index));
    expect(pages[0]?.links['next']).toContain('after=');
    expect(pages[0]?.links['last']).toBeUndefined();
    expect(server.violations).toEqual([]);

    const refused = await get('/repos/octo/spoon/issues?per_page=100&page=2');
    expect(refused.status).toBe(422);
    expect(refused.json).toMatchObject({
      message:
        'Pagination with the page parameter is not supported for large datasets, please use cursor based pagination (after/before)',
    });
  });

  test('lead back as well', async () => {
    const [first, second] = await walk('/repos/octo/spoon/issues?per_page=100');
    expect(numbers(await get(second?.links['prev'] ?? ''))).toEqual(first && numbers(first));
  });

  test('lose nothing when an item moves between two pages', async () => {
    await clock.advance(60_000);
    server.before(2, () => repository.edit(repository.issueRecords[4]));
    const pages = await walk('/repos/octo/spoon/issues?sort=updated&direction=asc&per_page=100');
    const seen = pages.flatMap(numbers);
    expect(new Set(seen).size).toBe(250);
    expect(seen.filter((number) => number === 5)).toHaveLength(2);
  });
});

describe('issues', () => {
  test('are the open ones, newest first, pull requests among them', async () => {
    repository.issue();
    repository.closeIssue(repository.issue());
    repository.pull();
    const answer = await get('/repos/octo/spoon/issues');
    expect(numbers(answer)).toEqual([3, 1]);
    const [pull, issue] = answer.json as Record<string, unknown>[];
    expect(pull).toHaveProperty('pull_request.url', `${server.url}/repos/octo/spoon/pulls/3`);
    expect(issue).not.toHaveProperty('pull_request');
    expect(numbers(await get('/repos/octo/spoon/issues?state=all&direction=asc'))).toEqual([1, 2, 3]);
  });

  test('have other ids than the pull requests that they are', async () => {
    repository.pull();
    expect(ids(await get('/repos/octo/spoon/issues'))).not.toEqual(ids(await get('/repos/octo/spoon/pulls')));
  });

  test('GH2: since means updated then or later, to the second', async () => {
    repository.issues(3);
    const since = repository.issueRecords[1]?.updatedAt;
    expect(numbers(await get(`/repos/octo/spoon/issues?since=${since}`))).toEqual([3, 2]);
    await clock.advance(999);
    repository.edit(repository.issueRecords[0]);
    expect(repository.issueRecords[0]?.updatedAt).toBe('2026-01-15T12:00:00Z');
  });

  test('GH3: since the beginning of time there are none', async () => {
    repository.issues(3);
    expect(numbers(await get('/repos/octo/spoon/issues?since=1970-01-01T00:00:00Z'))).toEqual([]);
    expect(numbers(await get('/repos/octo/spoon/issues?since=1970-01-01T00:00:01Z'))).toHaveLength(3);
  });
});

describe('pull requests', () => {
  test('know no since: it is ignored without a word, and noted here', async () => {
    repository.pulls(3);
    expect(numbers(await get('/repos/octo/spoon/pulls?since=2030-01-01T00:00:00Z'))).toHaveLength(3);
    expect(server.violations).toEqual([expect.stringContaining('has the unknown parameter since')]);
  });

  test('are sorted by update from the oldest, unless the direction says otherwise', async () => {
    repository.pulls(3);
    await clock.advance(1000);
    repository.edit(repository.issueRecords[0]);
    expect(numbers(await get('/repos/octo/spoon/pulls?sort=updated'))).toEqual([2, 3, 1]);
    expect(numbers(await get('/repos/octo/spoon/pulls?sort=updated&direction=desc'))).toEqual([1, 3, 2]);
    expect(numbers(await get('/repos/octo/spoon/pulls'))).toEqual([3, 2, 1]);
  });

  test('are not moved by comments on the diff, and moved by reviews', async () => {
    const pull = repository.pull();
    const created = pull.updatedAt;
    await clock.advance(60_000);
    repository.reviewComment(pull);
    expect(pull.updatedAt).toBe(created);
    repository.review(pull);
    expect(pull.updatedAt).toBe('2026-01-15T12:01:00Z');
  });

  test('list their reviews from the oldest', async () => {
    const pull = repository.pull();
    const [first, second] = [repository.review(pull), repository.review(pull, { state: 'COMMENTED' })];
    repository.review(repository.pull());
    expect(ids(await get('/repos/octo/spoon/pulls/1/reviews'))).toEqual([first.id, second.id]);
  });
});

describe.each([
  ['issues/comments', () => repository.comments(repository.issue(), 3)],
  ['pulls/comments', () => [1, 2, 3].map(() => repository.reviewComment(repository.pull()))],
])('%s', (path, make) => {
  test('are in order of their ids, and by update from the newest when sorted', async () => {
    const comments = make();
    await clock.advance(60_000);
    repository.edit(comments[0], { body: 'Edited' });
    const [first, second, third] = comments.map(({ id }) => id);
    expect(ids(await get(`/repos/octo/spoon/${path}`))).toEqual([first, second, third]);
    expect(ids(await get(`/repos/octo/spoon/${path}?sort=updated`))).toEqual([first, third, second]);
    expect(ids(await get(`/repos/octo/spoon/${path}?sort=updated&direction=asc`))).toEqual([second, third, first]);
    const since = comments[0]?.updatedAt;
    expect(ids(await get(`/repos/octo/spoon/${path}?since=${since}`))).toEqual([first]);
  });
});

describe('workflow runs', () => {
  interface Runs {
    readonly total_count: number;
    readonly workflow_runs: readonly { readonly run_number: number }[];
  }
  const runs = async (query = ''): Promise<Runs> => (await get(`/repos/octo/spoon/actions/runs${query}`)).json as Runs;

  test('come newest first, with their count around them', async () => {
    repository.runs(40);
    const { total_count, workflow_runs } = await runs('?per_page=2');
    expect(total_count).toBe(40);
    expect(workflow_runs.map(({ run_number }) => run_number)).toEqual([40, 39]);
  });

  test.each([
    ['%3E%3D2026-01-15T11:58:00Z', 3],
    ['%3E2026-01-15T11:58:00Z', 2],
    ['%3C2026-01-15T11:58:00Z', 2],
    ['%3C%3D2026-01-15T11:58:00Z', 3],
    ['2026-01-15T11:57:00Z..2026-01-15T11:58:00Z', 2],
    ['*..2026-01-14', 0],
    ['2026-01-15..*', 5],
    ['2026-01-15', 5],
  ])('are filtered by created=%s', async (created, number) => {
    repository.runs(5);
    expect((await runs(`?created=${created}`)).total_count).toBe(number);
  });

  test('with a filter end after 1,000, and without do not', async () => {
    repository.runs(1100);
    expect((await runs('?status=success&per_page=100&page=10')).workflow_runs).toHaveLength(100);
    expect((await runs('?status=success&per_page=100&page=11')).workflow_runs).toHaveLength(0);
    expect((await runs('?per_page=100&page=11')).workflow_runs).toHaveLength(100);
  });
});

test('releases come newest first without drafts, tags from the last name', async () => {
  repository.git.commits(1);
  for (const name of ['v1', 'v2']) {
    repository.git.tag(name);
    repository.release(name);
  }
  repository.release('v3', { draft: true });
  const names = async (path: string, key: string): Promise<unknown[]> =>
    ((await get(path)).json as Record<string, unknown>[]).map((item) => item[key]);
  expect(await names('/repos/octo/spoon/releases', 'tag_name')).toEqual(['v2', 'v1']);
  expect(await names('/repos/octo/spoon/tags', 'name')).toEqual(['v2', 'v1']);
});

test('stars come from the oldest, and only users unless their time is asked for', async () => {
  repository.star('first');
  await clock.advance(1000);
  repository.star('second');
  repository.star('third');
  repository.unstar('second');
  expect((await get('/repos/octo/spoon/stargazers')).json).toMatchObject([{ login: 'first' }, { login: 'third' }]);
});

test('stars beyond 40,000 are refused', async () => {
  repository.star('fan');
  const { status, json } = await get('/repos/octo/spoon/stargazers?per_page=100&page=401');
  expect(status).toBe(422);
  expect(json).toMatchObject({ message: expect.stringContaining('pagination is limited for this resource') });
});

describe('events', () => {
  test('GH9: come late, for 30 days, 300 of them, newest first by number', async () => {
    repository.event({ id: '9' });
    repository.event({ id: '10' });
    expect(ids(await get('/repos/octo/spoon/events'))).toEqual([]);
    await clock.advance(30_000);
    expect(ids(await get('/repos/octo/spoon/events'))).toEqual(['10', '9']);
    for (let number = 0; number < 350; number += 1) repository.event();
    await clock.advance(30_000);
    const pages = await walk('/repos/octo/spoon/events?per_page=100');
    expect(pages.map(({ json }) => (json as unknown[]).length)).toEqual([100, 100, 100]);
    expect((await get('/repos/octo/spoon/events?per_page=100&page=4')).status).toBe(422);
    await clock.advance(31 * 86_400_000);
    expect(ids(await get('/repos/octo/spoon/events'))).toEqual([]);
  });

  test('GH9: say how often to poll, but not when nothing is new', async () => {
    const first = await get('/repos/octo/spoon/events');
    expect(first.headers['x-poll-interval']).toBe('60');
    const headers = { 'if-none-match': String(first.headers['etag']) };
    const second = await ask(server, '/repos/octo/spoon/events', { token, headers });
    expect(second.status).toBe(304);
    expect(second.headers['x-poll-interval']).toBeUndefined();
    expect(second.headers['cache-control']).toBe('private, max-age=60, s-maxage=60');
  });
});
