import type { FakeClock } from 'headwater/testing';
import { describe, expect, test } from 'vitest';
import type { App } from './github/app.js';
import { type Asked, ask } from './github/ask.js';
import { githubForEach } from './github/for-each.js';
import { GithubServer } from './github/server.js';

let clock: FakeClock;
let server: GithubServer;
let app: App;

githubForEach((started) => {
  ({ clock, server } = started);
  server.repository('octo/spoon', { private: true }).issues(1);
  server.repository('cats/other', { private: true });
  app = server.app({ account: 'octo' });
});

interface InstallationToken {
  readonly token: string;
  readonly expires_at: string;
}

function exchange(jwt: string, body?: object): Promise<Asked> {
  const path = `/app/installations/${app.installation.id}/access_tokens`;
  return ask(server, path, { method: 'POST', token: jwt, ...(body && { body }) });
}

async function install(body?: object): Promise<InstallationToken> {
  const { json } = await exchange(app.sign(clock.now()), body);
  return json as InstallationToken;
}

const seconds = GithubServer.startOfTime / 1000;

describe('GH12: the token of an app', () => {
  test('is exchanged for one of its installation, for an hour', async () => {
    const { status, json } = await exchange(app.sign(clock.now()));
    expect(status).toBe(201);
    expect(json).toMatchObject({
      token: expect.stringMatching(/^ghs_/),
      expires_at: '2026-01-15T13:00:00Z',
      permissions: { contents: 'read', issues: 'read' },
    });
    expect(server.violations).toEqual([]);
  });

  test('may name the app by its number as well', async () => {
    expect((await exchange(app.sign(clock.now(), { iss: app.id }))).status).toBe(201);
  });

  test.each([
    ['that ends too late', { exp: seconds + 601 }, "'Expiration time' claim ('exp') is too far in the future"],
    ['that has ended', { exp: seconds }, "'Expiration time' claim ('exp') must be a numeric value"],
    ['that ends at no number', { exp: 'soon' }, "'Expiration time' claim ('exp') must be a numeric value"],
    ['that was issued in the future', { iat: seconds + 1 }, "'Issued at' claim ('iat') must be an Integer"],
    ['that was issued at a fraction', { iat: seconds - 0.5 }, "'Issued at' claim ('iat') must be an Integer"],
  ])('%s is refused', async (_, claims, message) => {
    const { status, json } = await exchange(app.sign(clock.now(), claims));
    expect(status).toBe(401);
    expect(json).toMatchObject({ message: expect.stringContaining(message) });
  });

  test('whose time is right by a clock that is behind or ahead is refused by the other', async () => {
    server.settings.clockSkewMs = -90_000;
    expect((await exchange(app.sign(clock.now()))).status).toBe(401);
    server.settings.clockSkewMs = -50_000;
    expect((await exchange(app.sign(clock.now()))).status).toBe(201);
  });

  test.each([
    ['of another key', () => server.app({ account: 'octo' }).sign(clock.now(), { iss: app.clientId })],
    ['of another algorithm', () => app.sign(clock.now(), {}, { alg: 'none' })],
    ['that is not signed', () => `${app.sign(clock.now()).split('.', 2).join('.')}.`],
    ['that is no JSON', () => 'eyJ.eyJ.eyJ'],
  ])('%s is refused', async (_, sign) => {
    const { status, json } = await exchange(sign());
    expect([status, json]).toMatchObject([401, { message: 'A JSON web token could not be decoded' }]);
  });

  test('of an app that there is not is not found', async () => {
    expect((await exchange(app.sign(clock.now(), { iss: 'nobody' }))).status).toBe(404);
  });

  test('is no token for repositories, nor one of a user for installations', async () => {
    expect((await ask(server, '/repos/octo/spoon', { token: app.sign(clock.now()) })).status).toBe(401);
    expect((await exchange(server.personalToken())).status).toBe(401);
  });
});

describe('GH12: the token of an installation', () => {
  test('sees the repositories of its account and no other private ones', async () => {
    const { token } = await install();
    const { json } = await ask(server, '/installation/repositories', { token });
    expect(json).toMatchObject({ total_count: 1, repositories: [{ full_name: 'octo/spoon' }] });
    expect((await ask(server, '/repos/octo/spoon/issues', { token })).status).toBe(200);
    expect((await ask(server, '/repos/cats/other', { token })).status).toBe(404);
    expect((await ask(server, '/installation/repositories', { token: server.personalToken() })).status).toBe(403);
  });

  test('is refused after its hour, while a later one is good', async () => {
    const first = await install();
    await clock.advance(3_599_000);
    const second = await install();
    expect((await ask(server, '/repos/octo/spoon', { token: first.token })).status).toBe(200);
    await clock.advance(1000);
    const { status, json } = await ask(server, '/repos/octo/spoon', { token: first.token });
    expect([status, json]).toMatchObject([401, { message: 'Bad credentials' }]);
    expect((await ask(server, '/repos/octo/spoon', { token: second.token })).status).toBe(200);
  });

  test('GH7: makes every ETag of the one before useless, and shares its limit', async () => {
    const [first, second] = [await install(), await install()];
    const { headers } = await ask(server, '/repos/octo/spoon', { token: first.token });
    const asked = { 'if-none-match': String(headers['etag']) };
    const again = await ask(server, '/repos/octo/spoon', { token: second.token, headers: asked });
    expect([again.status, again.headers['x-ratelimit-used']]).toEqual([200, '2']);
  });

  test('may be given less than the installation has, and no more', async () => {
    const { token } = await install({ permissions: { issues: 'read' } });
    expect((await ask(server, '/repos/octo/spoon/issues', { token })).status).toBe(200);
    const { status, json } = await ask(server, '/repos/octo/spoon/pulls', { token });
    expect([status, json]).toMatchObject([403, { message: 'Resource not accessible by integration' }]);
    const refused = await exchange(app.sign(clock.now()), { permissions: { administration: 'read' } });
    expect(refused.status).toBe(422);
  });

  test('of chosen repositories sees only those', async () => {
    server.repository('octo/hidden', { private: true });
    app = server.app({ account: 'octo', repositories: ['octo/spoon'] });
    const { token } = await install();
    expect((await ask(server, '/repos/octo/spoon', { token })).status).toBe(200);
    expect((await ask(server, '/repos/octo/hidden', { token })).status).toBe(404);
  });
});
