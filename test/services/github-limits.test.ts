import type { FakeClock } from 'headwater/testing';
import { describe, expect, test } from 'vitest';
import { type Asked, ask } from './github/ask.js';
import { faults } from './github/faults.js';
import { githubForEach } from './github/for-each.js';
import { GithubServer } from './github/server.js';

const ISSUES = '/repos/octo/spoon/issues';

let clock: FakeClock;
let server: GithubServer;
let token: string;

githubForEach((started) => {
  ({ clock, server, token } = started);
  server.repository('octo/spoon').issues(3);
});

const get = (path: string, headers: Record<string, string> = {}, as: string | undefined = token): Promise<Asked> =>
  ask(server, path, { headers, ...(as !== undefined && { token: as }) });

function limits({ headers }: Asked): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith('x-ratelimit-'))
      .map(([name, value]) => [name.slice('x-ratelimit-'.length), value]),
  );
}

describe('the primary limit', () => {
  test('is told with every answer, and begins anew after an hour', async () => {
    const reset = String(GithubServer.startOfTime / 1000 + 3600);
    expect(limits(await get(ISSUES))).toEqual({ limit: '5000', remaining: '4999', used: '1', reset, resource: 'core' });
    await clock.advance(3_599_000);
    expect(limits(await get(ISSUES))).toMatchObject({ remaining: '4998', reset });
    await clock.advance(1000);
    expect(limits(await get(ISSUES))).toMatchObject({ remaining: '4999', used: '1' });
  });

  test.each([403, 429] as const)('GH5: when used up is told by %s and nothing remaining', async (status) => {
    server.settings.limitStatus = status;
    server.exhaust(token, 1);
    expect((await get(ISSUES)).status).toBe(200);
    const refused = await get(ISSUES);
    expect(refused.status).toBe(status);
    expect(limits(refused)).toMatchObject({ remaining: '0', used: '5000' });
    expect(refused.headers['retry-after']).toBeUndefined();
    expect(refused.json).toMatchObject({ message: expect.stringContaining('API rate limit exceeded') });
    expect(server.counts).toMatchObject({ total: 2, billed: 1 });
  });

  test('is shared by the tokens of one user, and not with others', async () => {
    await get(ISSUES);
    expect(limits(await get(ISSUES, {}, server.personalToken()))).toMatchObject({ used: '2' });
    expect(limits(await get(ISSUES, {}, server.personalToken({ login: 'mona' })))).toMatchObject({ used: '1' });
    expect(limits(await ask(server, ISSUES))).toMatchObject({ limit: '60', used: '1' });
  });

  test('can be asked for, which costs nothing and is answered to the end', async () => {
    server.exhaust(token);
    const { status, json } = await get('/rate_limit');
    expect(status).toBe(200);
    expect(json).toMatchObject({ resources: { core: { limit: 5000, remaining: 0 } } });
    expect(server.counts.billed).toBe(0);
    expect(server.limit(token).used).toBe(5000);
  });

  test('counts what is not found', async () => {
    await get('/repos/octo/nothing');
    expect(server.limit(token).used).toBe(1);
  });
});

describe('what has not changed', () => {
  async function etag(as = token, path = ISSUES): Promise<string> {
    return String((await get(path, {}, as)).headers['etag']);
  }

  test('is answered 304 without a body, free for who is authenticated', async () => {
    const tag = await etag();
    const { status, text, headers } = await get(ISSUES, { 'if-none-match': tag });
    expect([status, text]).toEqual([304, '']);
    expect(headers).toMatchObject({ etag: tag, 'x-ratelimit-used': '1' });
    expect(server.counts).toMatchObject({ total: 2, billed: 1, notModified: 1 });
  });

  test('costs who is not authenticated', async () => {
    const tag = String((await ask(server, ISSUES)).headers['etag']);
    const { status, headers } = await ask(server, ISSUES, { headers: { 'if-none-match': tag } });
    expect([status, headers['x-ratelimit-used']]).toEqual([304, '2']);
  });

  test('has changed as soon as an item has', async () => {
    const tag = await etag();
    const repository = server.repository('octo/spoon');
    repository.edit(repository.issueRecords[0], { title: 'Other' });
    expect((await get(ISSUES, { 'if-none-match': tag })).status).toBe(200);
  });

  test('GH7: is another representation for another token, URL or media type', async () => {
    const tag = await etag();
    const asked = { 'if-none-match': tag };
    expect((await get(ISSUES, asked, server.personalToken())).status).toBe(200);
    expect((await get(`${ISSUES}?state=open`, asked)).status).toBe(200);
    expect((await get(ISSUES, { ...asked, accept: 'application/vnd.github.v3+json' })).status).toBe(200);
    expect((await get(ISSUES, asked)).status).toBe(304);
  });

  test('needs the quotes of its tag, and not that it is weak', async () => {
    const tag = await etag();
    expect(tag).toMatch(/^W\/"[0-9a-f]+"$/);
    expect((await get(ISSUES, { 'if-none-match': tag.replaceAll('"', '') })).status).toBe(200);
    expect((await get(ISSUES, { 'if-none-match': tag.slice('W/'.length) })).status).toBe(304);
  });

  test('has no links to other pages, nor a limit of its own to them', async () => {
    const path = `${ISSUES}?per_page=2`;
    const tag = await etag(token, path);
    expect((await get(path, { 'if-none-match': tag })).headers['link']).toBeUndefined();
  });

  test('is known by its date too, where GitHub sends one', async () => {
    const { headers } = await get('/repos/octo/spoon');
    expect(headers['last-modified']).toBe('Thu, 15 Jan 2026 12:00:00 GMT');
    const asked = { 'if-modified-since': String(headers['last-modified']) };
    expect((await get('/repos/octo/spoon', asked)).status).toBe(304);
    expect((await get(ISSUES, asked)).status).toBe(200);
  });
});

describe('secondary limits', () => {
  test('GH5: hold on points per minute, with the seconds to wait', async () => {
    server.settings.pointsPerMinute = 2;
    await get(ISSUES);
    await clock.advance(10_000);
    await get(ISSUES);
    const { status, headers, json } = await get(ISSUES);
    expect([status, headers['retry-after']]).toEqual([403, '50']);
    expect(headers['x-ratelimit-remaining']).toBe('4998');
    expect(json).toMatchObject({ message: expect.stringContaining('secondary rate limit') });
    await clock.advance(50_000);
    expect((await get(ISSUES)).status).toBe(200);
  });

  test('hold on requests at once', async () => {
    server.settings.mostConcurrent = 2;
    server.settings.latencyMs = 50;
    const answers = await Promise.all(Array.from({ length: 5 }, () => get(ISSUES)));
    expect(answers.filter(({ status }) => status === 403).length).toBeGreaterThan(0);
    expect(server.counts.mostAtOnce).toBeGreaterThan(2);
  });

  test.each([403, 429] as const)('GH5: can be told by %s and the message alone', async (status) => {
    server.inject(faults.secondaryLimit({ status }));
    const refused = await get(ISSUES);
    expect([refused.status, refused.headers['retry-after']]).toEqual([status, undefined]);
    expect(limits(refused)).toMatchObject({ remaining: '4999' });
  });
});

describe('credentials', () => {
  test.each([
    ['nobody gave out', 'Bearer github_pat_unknown'],
    ['are of another scheme', 'Basic b2N0bzpjYXQ='],
  ])('that %s are refused', async (_, authorization) => {
    const { status, json } = await ask(server, ISSUES, { headers: { authorization } });
    expect([status, json]).toMatchObject([401, { message: 'Bad credentials', status: '401' }]);
  });

  test('may be sent in the older form, and are refused once revoked', async () => {
    const headers = { authorization: `token ${token}` };
    expect((await ask(server, ISSUES, { headers })).headers['x-ratelimit-limit']).toBe('5000');
    server.revoke(token);
    expect((await ask(server, ISSUES, { headers })).status).toBe(401);
  });

  test('are kept out of what is recorded', async () => {
    await get(ISSUES);
    expect(server.requests).toMatchObject([{ credential: 'personal token of octocat', url: ISSUES, status: 200 }]);
    expect(JSON.stringify(server.requests)).not.toContain(token);
  });
});

test('GH5: a server whose clock is ahead says so in its date, its reset and its times of update', async () => {
  server.settings.clockSkewMs = 90_000;
  const repository = server.repository('octo/spoon');
  repository.edit(repository.issueRecords[0]);
  const answer = await get(`${ISSUES}?sort=updated`);
  expect(answer.headers['date']).toBe('Thu, 15 Jan 2026 12:01:30 GMT');
  expect(limits(answer)).toMatchObject({ reset: String(GithubServer.startOfTime / 1000 + 90 + 3600) });
  expect(answer.json).toMatchObject([{ updated_at: '2026-01-15T12:01:30Z' }, {}, {}]);
});
