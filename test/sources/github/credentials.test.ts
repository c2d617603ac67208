import { inspect } from 'node:util';
import type { GithubCredentialsInput } from 'headwater/sources/github';
import { RecordingLogger } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { HurriedClock } from '../../../src/testing/source/hurried-clock.js';
import type { App } from '../../services/github/app.js';
import { type Fault, faults } from '../../services/github/faults.js';
import { githubForEach, type StartedGithub } from '../../services/github/for-each.js';
import { errorOf, type GithubSource, read, sourceOf, titlesOf } from './reading.js';

const TOKENS = '/app/installations/{installation_id}/access_tokens';
const ISSUES = '/repos/{owner}/{repo}/issues';

let github: StartedGithub;
githubForEach((started) => {
  github = started;
  started.server.repository('octo/spoon').issue({ title: 'an issue' });
});
const config = { streams: ['issues' as const] };

function credentialsOf(app: App): GithubCredentialsInput {
  return { appId: app.clientId, privateKey: app.privateKey, installationId: app.installation.id };
}

describe('GH12: a GitHub App', () => {
  it('GH12: signs for itself, reads as its installation, and fetches one token for all repositories', async () => {
    for (let index = 0; index < 8; index += 1) github.server.repository(`octo/r${index}`).issue();
    const app = github.server.app({ account: 'octo' });
    const { events } = await read(github, { ...config, org: 'octo' }, { credentials: credentialsOf(app) });
    expect(events).toHaveLength(9);
    expect(github.server.counts.byRoute[TOKENS]).toBe(1);
    expect(new Set(github.server.requests.map(({ credential }) => credential))).toEqual(
      new Set([`app ${app.id}`, `installation ${app.installation.id}`]),
    );
  });

  it('GH12: a token is fetched anew before it expires', async () => {
    const app = github.server.app({ account: 'octo' });
    const source = await sourceOf(
      github,
      { ...config, pollIntervalMs: 1_200_000 },
      { credentials: credentialsOf(app) },
    );
    const controller = new AbortController();
    const reading = (async () => {
      for await (const _ of source.generateEvents({ follow: true, signal: controller.signal }));
    })();
    for (let round = 0; round < 7; round += 1) {
      await expect.poll(() => source.getStatus().state).toBe('caught-up');
      await expect.poll(() => github.clock.sleeping).toBe(1);
      await github.clock.advance(1_200_000);
    }
    await expect.poll(() => source.getStatus().state).toBe('caught-up');
    controller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    expect(github.server.requests.filter(({ status }) => status === 401)).toEqual([]);
    expect(github.server.counts.byRoute[TOKENS]).toBeGreaterThanOrEqual(2);
  });

  it('GH12: after a 401 a new token is fetched once, and the request sent once more', async () => {
    const app = github.server.app({ account: 'octo' });
    github.server.inject(faults.badCredentials(), { route: ISSUES });
    const { events } = await read(github, config, { credentials: credentialsOf(app) });
    expect(titlesOf(events)).toEqual(['an issue']);
    expect(github.server.counts.byRoute[TOKENS]).toBe(2);
    github.server.forgetRequests();
    github.server.inject(faults.badCredentials(), { route: ISSUES, times: 100 });
    const error = await errorOf(read(github, config, { credentials: credentialsOf(app) }));
    expect(error.name).toBe('AuthenticationError');
    expect(github.server.counts.byRoute[ISSUES]).toBe(2);
  });

  it.each([-3_600_000, 3_600_000])('GH12: a clock that is wrong by %i ms does no harm', async (clockSkewMs) => {
    github.server.settings.clockSkewMs = clockSkewMs;
    const app = github.server.app({ account: 'octo' });
    const { events } = await read(github, config, { credentials: credentialsOf(app) });
    expect(titlesOf(events)).toEqual(['an issue']);
    expect(github.server.counts.byRoute[TOKENS]).toBe(2);
  });

  it('GH12: an installation that is not the app’s is told as such', async () => {
    const app = github.server.app({ account: 'octo' });
    const credentials = { ...(credentialsOf(app) as object), installationId: 17 } as GithubCredentialsInput;
    const error = await errorOf(read(github, config, { credentials }));
    expect(error.name).toBe('NotFoundError');
  });
});

describe('other credentials', () => {
  it('a function is asked for the token each time, so a token may change', async () => {
    let token = github.token;
    const source = await sourceOf(github, config, { credentials: () => token });
    for await (const _ of source.generateEvents());
    github.server.revoke(token);
    token = github.server.personalToken({ login: 'other' });
    github.server.repository('octo/spoon').issue({ title: 'two' });
    const titles: string[] = [];
    for await (const event of source.generateEvents()) titles.push(...titlesOf([event]));
    expect(titles).toEqual(['two']);
  });

  it('a function that gives no token is an error that says so', async () => {
    const credentials = (() => undefined) as unknown as GithubCredentialsInput;
    expect((await errorOf(read(github, config, { credentials }))).name).toBe('AuthenticationError');
  });

  it.each([
    [undefined],
    [{}],
    [{ token: '' }],
    [{ token: undefined }],
    [{ token: 'with space' }],
    [{ appId: 1, privateKey: 'no key', installationId: 2 }],
  ])('are refused before anything is asked: %j', async (credentials) => {
    const given = { clock: github.clock, credentials: credentials as never };
    const { GitHubSource } = await import('headwater/sources/github');
    const error = await errorOf(GitHubSource.create({ id: 'x', config: { owner: 'o', repo: 'r' }, ...given }));
    expect(error.name).toBe('ConfigError');
    expect(github.server.requests).toEqual([]);
  });
});

describe('X7: no secret shows', () => {
  const kinds: [string, () => GithubCredentialsInput][] = [
    ['a token', () => ({ token: github.token })],
    ['a function', () => () => github.token],
    ['an app', () => credentialsOf(github.server.app({ account: 'octo' }))],
  ];
  const faultsOf = (isApp: boolean): (Fault | undefined)[] => [
    undefined,
    faults.badCredentials(),
    // Even if GitHub were to repeat it; the app's token is not that one.
    ...(isApp ? [] : [echo(401), echo(403)]),
    faults.html(403),
    faults.reset(),
  ];

  it.each(kinds)(
    'X7: in no event, cursor, error, log line, status, or print of the source: %s',
    async (_, make) => {
      const logger = new RecordingLogger();
      const shown: unknown[] = [];
      const credentials = make();
      for (const fault of faultsOf('privateKey' in (credentials as object))) {
        if (fault !== undefined) github.server.inject(fault, { times: 1_000 });
        const source = await sourceOf(github, config, { credentials, logger, clock: new HurriedClock() });
        const all = [
          () => collect(source),
          () => source.validate(),
          async () => source.origin(),
          () => source.partitions(),
        ];
        for (const work of all) shown.push(...(await work().then((result: unknown) => [result], withStack)));
        shown.push(source, source.getCursor(), source.getStatus(), JSON.stringify(source));
        github.server.clearFaults();
      }
      const all = [...shown, ...logger.lines];
      const text = all
        .map((value) => inspect(value, { depth: 12, showHidden: true, maxStringLength: null }))
        .join('\n');
      expect(text).toContain('an issue');
      const { privateKey = github.token } = credentials as { privateKey?: string };
      for (const secret of [github.token, privateKey.split('\n')[3] ?? github.token])
        expect(text.includes(secret)).toBe(false);
      expect(text).not.toMatch(/ghs_|eyJhbGci/);
    },
    60_000,
  );
});

async function collect(source: GithubSource): Promise<unknown[]> {
  const all: unknown[] = [];
  try {
    for await (const event of source.generateEvents()) all.push(event);
  } catch (error) {
    all.push(...withStack(error));
  }
  return all;
}

function withStack(error: unknown): unknown[] {
  return [error, (error as Error).message, (error as Error).stack, (error as Error).cause];
}

/** An answer that repeats the token. */
function echo(status: number): Fault {
  return {
    answer: () => ({
      status,
      body: { message: `no: ${github.token}` },
    }),
  };
}
