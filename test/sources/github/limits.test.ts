import { RecordingLogger } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { HurriedClock } from '../../../src/testing/source/hurried-clock.js';
import { type Fault, faults } from '../../services/github/faults.js';
import { githubForEach, type StartedGithub } from '../../services/github/for-each.js';
import type { GithubSource } from './reading.js';
import { errorOf, read, sourceOf, titlesOf } from './reading.js';

const ISSUES = '/repos/{owner}/{repo}/issues';

let github: StartedGithub;
githubForEach((started) => {
  github = started;
  started.server.repository('octo/spoon').issue({ title: 'an issue' });
});
const config = { streams: ['issues' as const] };

/** Reads until it has to wait; says how long, lets the time pass, and reads to the end. */
async function waitOf(source: GithubSource): Promise<{ waitMs: number; titles: string[] }> {
  const titles: string[] = [];
  const reading = (async () => {
    for await (const event of source.generateEvents()) titles.push(...titlesOf([event]));
  })();
  await expect.poll(() => source.getStatus().state).toBe('waiting-for-rate-limit');
  const status = source.getStatus();
  const until = status.state === 'waiting-for-rate-limit' ? status.until.getTime() : 0;
  const waitMs = until - github.clock.now();
  github.server.forgetRequests();
  await github.clock.advance(waitMs - 2);
  expect(github.server.requests).toEqual([]);
  await expect
    .poll(async () => {
      await github.clock.advance(1_000);
      return github.clock.sleeping;
    })
    .toBe(0);
  await reading;
  return { waitMs, titles };
}

describe('GH5: what a refusal means', () => {
  const limits: [string, Fault, number][] = [
    ['403, nothing remains, reset in 90 s', faults.primaryLimit({ status: 403, resetIn: 90 }), 90_000],
    ['429, nothing remains, reset in 90 s', faults.primaryLimit({ status: 429, resetIn: 90 }), 90_000],
    ['403 with Retry-After', faults.secondaryLimit({ status: 403, retryAfter: 30 }), 30_000],
    ['429 with Retry-After', faults.secondaryLimit({ status: 429, retryAfter: 30 }), 30_000],
    ['403, secondary, no time said', faults.secondaryLimit({ status: 403 }), 60_000],
    ['429, secondary, no time said', faults.secondaryLimit({ status: 429 }), 60_000],
  ];

  it.each(limits)('GH5: %s is waited for', async (_, fault, expected) => {
    github.server.inject(fault, { route: ISSUES });
    const { waitMs, titles } = await waitOf(await sourceOf(github, config));
    expect(waitMs).toBeGreaterThanOrEqual(expected);
    expect(waitMs).toBeLessThanOrEqual(expected + 5_000);
    expect(titles).toEqual(['an issue']);
  });

  it('GH5: a reset that is past is waited for a second at least', async () => {
    github.server.inject(faults.primaryLimit({ resetIn: -30 }), { route: ISSUES });
    const { waitMs, titles } = await waitOf(await sourceOf(github, config));
    expect(waitMs).toBeGreaterThanOrEqual(1_000);
    expect(waitMs).toBeLessThanOrEqual(5_000);
    expect(titles).toEqual(['an issue']);
  });

  it.each([3_600_000, -3_600_000])(
    "GH5: by the server's time, when the clocks differ by %i ms",
    async (clockSkewMs) => {
      github.server.settings.clockSkewMs = clockSkewMs;
      github.server.inject(faults.primaryLimit({ resetIn: 90 }), { route: ISSUES });
      const { waitMs } = await waitOf(await sourceOf(github, config));
      expect(waitMs).toBeGreaterThanOrEqual(90_000);
      expect(waitMs).toBeLessThanOrEqual(95_000);
    },
  );

  it('GH5: a limit that does not end is an error after five tries, each later than the one before', async () => {
    github.server.inject(faults.secondaryLimit(), { times: 1_000, route: ISSUES });
    const clock = new HurriedClock();
    const logger = new RecordingLogger();
    const error = await errorOf(read(github, config, { clock, logger }));
    expect(error.name).toBe('RateLimitedError');
    const waits = logger.lines
      .map(({ object }) => (object as { delayMs?: number }).delayMs ?? 0)
      .filter((ms) => ms > 0);
    expect(waits).toHaveLength(4);
    expect(waits.map((ms, index) => ms > (waits[index - 1] ?? 0))).toEqual([true, true, true, true]);
  });

  it('GH5: 403 that is no limit fails at once, and says which permission is wanted', async () => {
    const token = github.server.personalToken({ login: 'limited', permissions: ['metadata', 'contents'] });
    const error = await errorOf(read(github, config, { credentials: { token } }));
    expect(error).toMatchObject({ name: 'PermissionError', code: 'PERMISSION' });
    expect(error.message).toContain('issues=read');
    expect(github.server.counts.byRoute[ISSUES]).toBe(1);
  });

  it('GH5: single sign-on is told as such, with where to authorise', async () => {
    const owner = github.server.account('corp', 'Organization');
    owner.requiresSso = true;
    github.server.repository('corp/one');
    const error = await errorOf(read(github, { ...config, owner: 'corp', repo: 'one' }));
    expect(error.code).toBe('GITHUB_SSO');
    expect(error.message).toContain('https://github.com/orgs/corp/sso');
  });

  it('a reserve is left to others who use the same credentials', async () => {
    github.server.exhaust(github.token, 6);
    const source = await sourceOf(github, { ...config, reserve: 5 });
    const { titles } = await waitOf(source);
    expect(titles).toEqual(['an issue']);
  });

  it('what is left can be read: from the last answer, or for nothing', async () => {
    const source = await sourceOf(github, config);
    expect(await source.rateLimit()).toMatchObject({ limit: 5_000, remaining: 5_000, used: 0 });
    expect(github.server.counts.billed).toBe(0);
    for await (const _ of source.generateEvents());
    const { total } = github.server.counts;
    expect(await source.rateLimit()).toMatchObject({ remaining: 4_998, used: 2 });
    expect(github.server.counts.total).toBe(total);
  });
});

describe('what is not GitHub', () => {
  it.each([
    ['a page for people', faults.html(), 'HTTP_NOT_JSON'],
    ['a list that is none', { change: (answer) => ({ ...answer, text: '{"items":[]}' }) } as Fault, 'GITHUB_ANSWER'],
    ['things that are none', { change: (answer) => ({ ...answer, text: '[7]' }) } as Fault, 'GITHUB_ANSWER'],
    ['far too much', faults.padded(40_000_000), 'HTTP_BODY_TOO_LARGE'],
  ])('%s is an error, and moves nothing', async (_, fault, code) => {
    github.server.inject(fault, { route: ISSUES, times: 100 });
    const source = await sourceOf(github, config);
    const error = await errorOf(source.generateEvents().next());
    expect(error.code).toBe(code);
    expect(source.getCursor()).toBeUndefined();
  });

  it.each([
    ['502', faults.status(502)],
    ['a reset', faults.reset()],
    ['half a body', faults.cut()],
    ['half of the JSON', faults.truncated()],
  ])('%s is tried again', async (_, fault) => {
    github.server.inject(fault, { route: ISSUES, times: 2 });
    const { events } = await read(github, config, { clock: new HurriedClock() });
    expect(titlesOf(events)).toEqual(['an issue']);
  });
});
