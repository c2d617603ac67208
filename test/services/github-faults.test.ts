import { describe, expect, test } from 'vitest';
import { type Asked, ask } from './github/ask.js';
import { faults } from './github/faults.js';
import { githubForEach } from './github/for-each.js';
import { GithubServer } from './github/server.js';

const ISSUES = '/repos/octo/spoon/issues';
const ISSUES_ROUTE = '/repos/{owner}/{repo}/issues';

let server: GithubServer;
let token: string;

githubForEach((started) => {
  ({ server, token } = started);
  server.repository('octo/spoon').issues(60);
});

const get = (path = ISSUES): Promise<Asked> => ask(server, path, { token });

async function statuses(count: number, path = ISSUES): Promise<number[]> {
  const seen: number[] = [];
  for (let index = 0; index < count; index += 1) seen.push((await get(path)).status);
  return seen;
}

describe('a fault', () => {
  test('meets the next request, or as many as are said after as many as are said', async () => {
    server.inject(faults.status(502));
    expect(await statuses(2)).toEqual([502, 200]);
    server.inject(faults.status(500), { after: 2, times: 2 });
    expect(await statuses(5)).toEqual([200, 200, 500, 500, 200]);
  });

  test('meets only requests of its route', async () => {
    server.inject(faults.status(500), { route: ISSUES_ROUTE });
    expect((await get('/repos/octo/spoon')).status).toBe(200);
    expect((await get()).status).toBe(500);
  });

  test('ends when faults are cleared', async () => {
    server.inject(faults.status(500), { times: Number.POSITIVE_INFINITY });
    expect(await statuses(2)).toEqual([500, 500]);
    server.clearFaults();
    expect(await statuses(1)).toEqual([200]);
  });

  test('leaves the limit headers as they are, and counts', async () => {
    server.inject(faults.status(500));
    const { headers, json } = await get();
    expect(headers['x-ratelimit-used']).toBe('1');
    expect(json).toMatchObject({ message: 'Server Error', status: '500' });
  });
});

describe('answers that go wrong', () => {
  test('are a page for people', async () => {
    server.inject(faults.html());
    const { status, headers, text } = await get();
    expect([status, headers['content-type']]).toEqual([200, 'text/html']);
    expect(text).toContain('<html>');
  });

  test('are half of the JSON', async () => {
    server.inject(faults.truncated());
    const { status, text, json } = await get();
    expect(status).toBe(200);
    expect(text.startsWith('[{')).toBe(true);
    expect(json).toBeUndefined();
  });

  test('are too long, empty, or nothing at all', async () => {
    server.inject(faults.padded(100_000));
    server.inject(faults.emptyPage(), { after: 1 });
    server.inject(faults.noContent(), { after: 1 });
    expect((await get()).text.length).toBeGreaterThan(100_000);
    const empty = await get();
    expect(empty.json).toEqual([]);
    expect(empty.links['next']).toBeDefined();
    expect(await get()).toMatchObject({ status: 204, text: '' });
  });

  test('break off before or within the body', async () => {
    server.inject(faults.reset());
    server.inject(faults.cut());
    await expect(get()).rejects.toThrow();
    await expect(get()).rejects.toThrow();
    expect(await statuses(1)).toEqual([200]);
    expect(server.requests).toHaveLength(3);
  });

  test('never come', async () => {
    server.inject(faults.hang());
    const hanging = get().catch((error: Error) => error);
    await expect.poll(() => server.requests.length).toBe(1);
    await server.close();
    expect(await hanging).toBeInstanceOf(Error);
  });

  test('come in small pieces, or late, but whole', async () => {
    const whole = await get();
    server.inject(faults.dribble({ bytes: 50_000, everyMs: 1 }));
    server.inject(faults.slow(5));
    expect((await get()).json).toEqual(whole.json);
    expect((await get()).json).toEqual(whole.json);
  });

  test('are compressed for who takes that', async () => {
    server.settings.gzip = true;
    const headers = { 'accept-encoding': 'gzip' };
    const { headers: answered } = await ask(server, ISSUES, { token, headers });
    const plain = await get();
    expect(answered['content-encoding']).toBe('gzip');
    expect(Number(answered['content-length'])).toBeLessThan(Number(plain.headers['content-length']) / 4);
    expect(plain.headers['content-encoding']).toBeUndefined();
  });
});

describe('GH4: the link to the next page', () => {
  test('leads to the page itself, for ever', async () => {
    server.inject(faults.nextLink(), { times: Number.POSITIVE_INFINITY });
    const first = await get();
    expect(first.links['next']).toBe(server.url + ISSUES);
    expect((await get(first.links['next'])).links['next']).toBe(server.url + ISSUES);
  });

  test('leads to another origin', async () => {
    server.inject(faults.nextLink('https://evil.example/issues?page=2'));
    expect((await get()).links['next']).toBe('https://evil.example/issues?page=2');
  });
});

test.each([301, 302, 307] as const)('a redirect with %s says where to', async (status) => {
  const to = `${server.url}/repositories/1/issues`;
  server.inject(faults.redirect(status, to));
  expect(await get()).toMatchObject({ status, headers: { location: to } });
});

describe('GH5: refusals', () => {
  test.each([403, 429])('for the primary limit by %s, with a reset ahead or past', async (status) => {
    server.inject(faults.primaryLimit({ status, resetIn: -5 }));
    const { headers, ...answer } = await get();
    expect(answer.status).toBe(status);
    expect(headers['x-ratelimit-remaining']).toBe('0');
    expect(headers['x-ratelimit-reset']).toBe(String(GithubServer.startOfTime / 1000 - 5));
  });

  test.each([30, 'Thu, 15 Jan 2026 12:00:30 GMT'])('for a secondary limit until %s', async (retryAfter) => {
    server.inject(faults.secondaryLimit({ retryAfter }));
    expect((await get()).headers['retry-after']).toBe(String(retryAfter));
  });

  test('for want of permission, with requests remaining and nothing to wait for', async () => {
    server.inject(faults.forbidden());
    const { status, headers, json } = await get();
    expect([status, headers['x-ratelimit-remaining'], headers['retry-after']]).toEqual([403, '4999', undefined]);
    expect(json).toMatchObject({ message: 'Resource not accessible by integration' });
  });

  test('for bad credentials', async () => {
    server.inject(faults.badCredentials());
    expect((await get()).status).toBe(401);
  });
});

describe('before a request', () => {
  test('a test may change what is there, also with a promise', async () => {
    const repository = server.repository('octo/spoon');
    server.before(2, async () => {
      await Promise.resolve();
      repository.delete();
    });
    expect(await statuses(2)).toEqual([200, 404]);
  });

  test('of one route only those of the route are counted', async () => {
    const seen: string[] = [];
    server.before(2, () => seen.push('issues'), { route: ISSUES_ROUTE });
    server.before(1, () => seen.push('any'));
    await get('/repos/octo/spoon');
    await get();
    expect(seen).toEqual(['any']);
    await get();
    await get();
    expect(seen).toEqual(['any', 'issues']);
  });
});

describe('requests are counted', () => {
  test('in all, by route, and by what they cost', async () => {
    const { headers } = await get();
    await ask(server, ISSUES, { token, headers: { 'if-none-match': String(headers['etag']) } });
    await get('/rate_limit');
    expect(server.counts).toEqual({
      total: 3,
      billed: 1,
      notModified: 1,
      byRoute: { [ISSUES_ROUTE]: 2, '/rate_limit': 1 },
      mostAtOnce: 1,
    });
    server.forgetRequests();
    expect(server.counts).toMatchObject({ total: 0, billed: 0, byRoute: {} });
  });

  test('and how many were under way at once', async () => {
    server.settings.latencyMs = 30;
    await Promise.all([get(), get(), get()]);
    expect(server.counts.mostAtOnce).toBe(3);
  });
});
