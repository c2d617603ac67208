import type { FakeClock } from 'headwater/testing';
import { describe, expect, test } from 'vitest';
import { type Asked, ask } from './github/ask.js';
import { githubForEach } from './github/for-each.js';
import type { GithubServer } from './github/server.js';

let clock: FakeClock;
let server: GithubServer;
let token: string;

githubForEach((started) => {
  ({ clock, server, token } = started);
});

const get = (path: string, as = token): Promise<Asked> => ask(server, path, { token: as });

function names({ json }: Asked): string[] {
  return (json as { full_name: string }[]).map(({ full_name }) => full_name);
}

describe('a repository', () => {
  test('has its number as identity, and is found by it', async () => {
    const repository = server.repository('octo/spoon');
    const byName = await get('/repos/octo/spoon');
    expect(byName.json).toMatchObject({ id: repository.id, full_name: 'octo/spoon', archived: false });
    expect((await get(`/repositories/${repository.id}`)).json).toEqual(byName.json);
    expect((await get('/repos/OCTO/Spoon')).json).toEqual(byName.json);
  });

  test('GH6: that was renamed is redirected to its number, with the query', async () => {
    const repository = server.repository('octo/spoon');
    repository.issues(1);
    repository.rename('fork');
    const { status, headers, json } = await get('/repos/octo/spoon/issues?state=all');
    const url = `${server.url}/repositories/${repository.id}/issues?state=all`;
    expect(status).toBe(301);
    expect(headers['location']).toBe(url);
    expect(json).toMatchObject({ message: 'Moved Permanently', url });
    expect((await get(url)).json).toHaveLength(1);
    expect((await get('/repos/octo/fork')).json).toMatchObject({ id: repository.id });
  });

  test('that was transferred is redirected as well', async () => {
    const repository = server.repository('octo/spoon');
    repository.transfer('cats');
    expect((await get('/repos/octo/spoon')).headers['location']).toBe(`${server.url}/repositories/${repository.id}`);
    expect((await get('/repos/cats/spoon')).json).toMatchObject({ id: repository.id, owner: { login: 'cats' } });
  });

  test('GH6: that takes a name somebody gave up is another one', async () => {
    const old = server.repository('octo/spoon');
    old.rename('fork');
    const taker = server.repository('octo/spoon');
    expect(taker.id).not.toBe(old.id);
    expect((await get('/repos/octo/spoon')).json).toMatchObject({ id: taker.id });
    expect((await get(`/repositories/${old.id}`)).json).toMatchObject({ full_name: 'octo/fork' });
  });

  test('GH6: that was deleted is not found, by name, former name or number', async () => {
    const repository = server.repository('octo/spoon');
    repository.rename('fork');
    repository.delete();
    for (const path of ['/repos/octo/spoon', '/repos/octo/fork', `/repositories/${repository.id}/issues`])
      expect((await get(path)).status).toBe(404);
  });

  test('GH6: that was taken down answers 451 everywhere', async () => {
    server.repository('octo/spoon').block();
    const { status, json } = await get('/repos/octo/spoon/pulls');
    expect(status).toBe(451);
    expect(json).toMatchObject({ message: 'Repository access blocked', block: { reason: 'dmca' } });
  });

  test('GH6: without commits answers 409 where it is asked for them', async () => {
    server.repository('octo/spoon');
    for (const path of ['commits', 'commits/main', 'git/matching-refs/heads', 'git/ref/heads/main']) {
      const { status, json } = await get(`/repos/octo/spoon/${path}`);
      expect([path, status]).toEqual([path, 409]);
      expect(json).toMatchObject({ message: 'Git Repository is empty.' });
    }
    expect((await get('/repos/octo/spoon/branches')).json).toEqual([]);
    expect((await get('/repos/octo/spoon/tags')).json).toEqual([]);
  });

  test('that is archived can be read', async () => {
    const repository = server.repository('octo/spoon');
    repository.issues(1);
    repository.archive();
    expect((await get('/repos/octo/spoon')).json).toMatchObject({ archived: true });
    expect((await get('/repos/octo/spoon/issues')).json).toHaveLength(1);
  });

  test('that is private is not there for others', async () => {
    server.repository('octo/spoon', { private: true });
    const [none, one] = [[], ['octo/spoon']].map((privateRepositories) =>
      server.personalToken({ privateRepositories }),
    );
    expect((await get('/repos/octo/spoon', none)).status).toBe(404);
    expect((await get('/repos/octo/spoon', one)).status).toBe(200);
    expect((await ask(server, '/repos/octo/spoon')).status).toBe(404);
    expect((await get('/repos/octo/spoon')).json).toMatchObject({ private: true, visibility: 'private' });
  });

  test('of an organisation with single sign-on asks for it', async () => {
    server.repository('octo/spoon');
    server.account('octo').requiresSso = true;
    const { status, headers } = await get('/repos/octo/spoon/issues');
    expect(status).toBe(403);
    expect(headers['x-github-sso']).toMatch(/^required; url=https:\/\/github\.com\/orgs\/octo\/sso/);
    expect((await get('/repos/octo/spoon/issues', server.personalToken({ sso: ['octo'] }))).status).toBe(200);
  });

  test('GH5: needs the permission of each of its parts', async () => {
    server.repository('octo/spoon');
    const limited = server.personalToken({ permissions: ['metadata', 'issues'] });
    expect((await get('/repos/octo/spoon/issues', limited)).status).toBe(200);
    const { status, headers, json } = await get('/repos/octo/spoon/actions/runs', limited);
    expect(status).toBe(403);
    expect(headers['x-ratelimit-remaining']).toBe('4998');
    expect(headers['x-accepted-github-permissions']).toBe('actions=read');
    expect(json).toMatchObject({ message: 'Resource not accessible by personal access token' });
  });
});

describe('repositories', () => {
  test('GH11: of an organisation are sorted by creation from the newest, or as asked', async () => {
    for (const name of ['b', 'c', 'a']) {
      server.repository(`octo/${name}`);
      await clock.advance(1000);
    }
    server.repository('octo/b').git.commit();
    expect(names(await get('/orgs/octo/repos'))).toEqual(['octo/a', 'octo/c', 'octo/b']);
    expect(names(await get('/orgs/octo/repos?sort=full_name'))).toEqual(['octo/a', 'octo/b', 'octo/c']);
    expect(names(await get('/orgs/octo/repos?sort=pushed'))).toEqual(['octo/b', 'octo/a', 'octo/c']);
    expect(names(await get('/orgs/octo/repos?sort=created&direction=asc'))).toEqual(['octo/b', 'octo/c', 'octo/a']);
  });

  test('are linked by the number of their owner', async () => {
    server.repositories('octo', 3);
    server.repository('octocat/one', { ownerType: 'User' });
    server.repository('octocat/two');
    for (const [path, canonical] of [
      ['/orgs/octo/repos', `/organizations/${server.account('octo').id}/repos`],
      ['/users/octocat/repos', `/user/${server.account('octocat').id}/repos`],
    ] as const) {
      const first = await get(`${path}?per_page=1`);
      expect(first.links['next']).toBe(`${server.url}${canonical}?per_page=1&page=2`);
      expect(names(await get(first.links['next'] ?? ''))).toHaveLength(1);
    }
    expect(server.violations).toEqual([]);
  });

  test('are listed only to who may see them', async () => {
    server.repositories('octo', 2, (repository) => repository.issues(1));
    server.repository('octo/repository-2').makePrivate();
    const stranger = server.personalToken({ privateRepositories: [] });
    expect(names(await get('/orgs/octo/repos', stranger))).toEqual(['octo/repository-1']);
    expect(names(await get('/orgs/octo/repos'))).toHaveLength(2);
    expect(names(await get('/orgs/octo/repos?type=private'))).toEqual(['octo/repository-2']);
  });

  test('of a user are the public ones; the user sees the private ones elsewhere', async () => {
    server.repository('octocat/public', { ownerType: 'User' });
    server.repository('octocat/secret', { private: true });
    server.repository('octo/spoon');
    expect(names(await get('/users/octocat/repos'))).toEqual(['octocat/public']);
    expect(names(await get('/user/repos?affiliation=owner'))).toEqual(['octocat/public', 'octocat/secret']);
    expect((await ask(server, '/user/repos')).status).toBe(401);
  });

  test('of nobody are not found, nor are those of a user as of an organisation', async () => {
    server.repository('octocat/public', { ownerType: 'User' });
    expect((await get('/orgs/nobody/repos')).status).toBe(404);
    expect((await get('/orgs/octocat/repos')).status).toBe(404);
    expect((await get('/users/octocat')).json).toMatchObject({ login: 'octocat', type: 'User' });
  });
});

test('a name that is no name of a repository is refused to the test', () => {
  expect(() => server.repository('octo')).toThrow("'octo' is not of the form owner/name");
});
