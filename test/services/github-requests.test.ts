import { request as httpRequest } from 'node:http';
import { describe, expect, test } from 'vitest';
import { type Asked, type Asking, ask } from './github/ask.js';
import { githubForEach } from './github/for-each.js';
import type { GithubServer } from './github/server.js';

const ISSUES = '/repos/octo/spoon/issues';

let server: GithubServer;
let token: string;

githubForEach(
  (started) => {
    ({ server, token } = started);
    server.repository('octo/spoon').issues(60);
  },
  { mayViolate: true },
);

const get = (path: string, asking: Asking = {}): Promise<Asked> => ask(server, path, { token, ...asking });

test('what GitHub documents is no violation', async () => {
  const headers = { 'x-github-api-version': '2022-11-28' };
  const query = '?state=all&sort=updated&direction=asc&since=2026-01-01T00:00:00Z&per_page=100&page=1&labels=bug';
  for (const accept of ['application/vnd.github+json', 'application/json', 'application/vnd.github.v3+json, */*'])
    expect((await get(ISSUES + query, { headers: { ...headers, accept } })).status).toBe(200);
  expect(server.violations).toEqual([]);
});

describe('a violation is', () => {
  test.each([
    ['an unknown parameter', '/pulls?since=2026-01-01T00:00:00Z', 200, 'has the unknown parameter since'],
    ['a parameter that is not served here', '/issues?milestone=1', 200, 'has the parameter milestone, which is not'],
    ['too many a page', '/issues?per_page=101', 200, 'has per_page=101, which is out of range'],
    ['none a page', '/issues?per_page=0', 200, 'has per_page=0, which is out of range'],
    ['a page below the first', '/issues?page=0', 200, 'has page=0, which is out of range'],
    ['an unknown value', '/issues?sort=popularity', 200, 'has sort=popularity, which is out of range'],
    ['a time with milliseconds', '/issues?since=2026-01-01T00:00:00.123Z', 200, 'has since=2026-01-01T00:00:00.123Z'],
    ['a page that no Link header led to', '/issues?page=2', 200, 'asks for a page whose URL was made up'],
    ['a cursor of its own', '/issues?after=abc', 200, 'asks for a page whose URL was made up'],
    ['a slash at the end', '/issues/', 404, 'has a slash at its end'],
    ['an unknown path', '/isues', 404, 'is no request that this server knows'],
  ])('%s', async (_, end, status, violation) => {
    expect((await get(`/repos/octo/spoon${end}`)).status).toBe(status);
    expect(server.violations[0]).toContain(violation);
  });

  test('a media type that is no JSON: 415', async () => {
    const { status, json } = await get(ISSUES, { headers: { accept: 'text/html' } });
    expect(status).toBe(415);
    expect(json).toMatchObject({
      message: "Unsupported 'Accept' header: 'text/html'. Must accept 'application/json'.",
    });
    expect(server.violations).toEqual([`GET ${ISSUES} accepts only text/html`]);
  });

  test('an unknown version of the API: 400', async () => {
    const { status } = await get(ISSUES, { headers: { 'x-github-api-version': '2020-01-01' } });
    expect(status).toBe(400);
    expect(server.violations).toEqual([`GET ${ISSUES} asks for the unknown API version 2020-01-01`]);
  });

  test('no User-Agent: 403', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      httpRequest(server.url + ISSUES, { headers: { accept: '*/*' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
    expect(server.violations).toEqual([`GET ${ISSUES} has no User-Agent`]);
  });

  test('anything but reading', async () => {
    expect((await get(ISSUES, { method: 'POST', body: { title: 'New' } })).status).toBe(404);
    expect(server.violations[0]).toContain('is no request that this server knows');
  });
});

test('a page that a Link header led to is none, also with another token and later', async () => {
  const { links } = await get(`${ISSUES}?per_page=50`);
  expect((await ask(server, links['next'] ?? '')).status).toBe(200);
  expect(server.violations).toEqual([]);
});
