import { FakeClock, RecordingLogger } from 'headwater/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GitHubDeliveriesServer } from '../../services/github-deliveries.js';
import { eventually } from '../../support/observing.js';
import { consume, createSource, SECRET, startSource } from './receiving.js';

const TOKEN = 'ghp_of-the-tests';
const START = Date.parse('2026-01-01T00:00:00Z');
const MINUTE_MS = 60_000;

async function startGitHub(): Promise<GitHubDeliveriesServer> {
  const github = await GitHubDeliveriesServer.start(SECRET, TOKEN);
  onTestFinished(() => github.close());
  return github;
}

function setUp(github: GitHubDeliveriesServer, apiToken = TOKEN) {
  const reconcile = { repository: 'o/r', hookId: 7, apiUrl: github.url, everyMs: MINUTE_MS };
  const config = { endpoints: { hooks: { provider: 'github' as const, reconcile } } };
  return { config, credentials: { hooks: { secret: SECRET, apiToken } } };
}

describe('reconcile', () => {
  it('has sent again what failed while nobody listened, once, and tells no gap', async () => {
    const github = await startGitHub();
    github.pageSize = 3;
    const at = (minutes: number): void => {
      github.now = () => START + minutes * MINUTE_MS;
    };
    at(-60);
    await github.deliver('before anything was listened to');
    at(1);
    for (const guid of ['one', 'two', 'three', 'four', 'five']) await github.deliver(guid);
    const clock = new FakeClock(START + 10 * MINUTE_MS);
    at(10);
    const { config, credentials } = setUp(github);
    const cursor = { listened: new Date(START).toISOString() };
    const { source, port } = await startSource(config, { credentials, clock, cursor });
    github.target = `http://127.0.0.1:${port}/hooks`;
    const { ids } = consume(source);
    await eventually(() => ids.length === 5);
    expect([...ids].sort()).toEqual(['five', 'four', 'one', 'three', 'two']);
    expect(source.getStats().gaps).toBe(0);
    const asked = github.requests.filter((line) => line.startsWith('POST')).length;
    expect(asked).toBe(5);
  });

  it('has sent again what got 503 meanwhile, until it is taken', async () => {
    const github = await startGitHub();
    const clock = new FakeClock(START);
    github.now = () => clock.now();
    const { config, credentials } = setUp(github);
    const { source, port } = await startSource({ ...config, queueEvents: 1 }, { credentials, clock });
    github.target = `http://127.0.0.1:${port}/hooks`;
    const waiting = github.deliver('waiting');
    await eventually(() => source.getStats().requests === 1);
    expect(await github.deliver('refused')).toBe(503);
    const { ids } = consume(source);
    expect(await waiting).toBe(202);
    await eventually(() => clock.sleeping > 1);
    await clock.advance(MINUTE_MS);
    await eventually(() => ids.includes('refused'));
    await eventually(() => github.attempts.length === 3);
    // What went well in the end is not asked for any more.
    const before = github.requests.filter((line) => line.startsWith('POST')).length;
    await clock.advance(MINUTE_MS);
    await eventually(() => github.requests.filter((line) => line.startsWith('GET')).length >= 2);
    expect(github.requests.filter((line) => line.startsWith('POST')).length).toBe(before);
    expect(ids).toEqual(['waiting', 'refused']);
  });

  it('asks for what an organization sent', async () => {
    const github = await startGitHub();
    github.owner = 'orgs/o';
    github.now = () => START + MINUTE_MS;
    await github.deliver('missed');
    const clock = new FakeClock(START + 10 * MINUTE_MS);
    const reconcile = { organization: 'o', hookId: 7, apiUrl: github.url, everyMs: MINUTE_MS };
    const config = { endpoints: { hooks: { provider: 'github' as const, reconcile } } };
    const credentials = { hooks: { secret: SECRET, apiToken: TOKEN } };
    const cursor = { listened: new Date(START).toISOString() };
    const { source, port } = await startSource(config, { credentials, clock, cursor });
    github.target = `http://127.0.0.1:${port}/hooks`;
    const { ids } = consume(source);
    await eventually(() => ids.length === 1);
    expect(ids).toEqual(['missed']);
    expect(github.requests.every((line) => line.includes(' /orgs/o/hooks/7/deliveries'))).toBe(true);
  });

  it('where GitHub cannot be asked, it is told by a gap, and logged without the token', async () => {
    const github = await startGitHub();
    const logger = new RecordingLogger();
    const { config, credentials } = setUp(github, 'ghp_of-somebody-else');
    const cursor = { listened: new Date(Date.now() - MINUTE_MS).toISOString() };
    const { source } = await startSource(config, { credentials, logger, cursor });
    const { value } = await source.generateEvents().next();
    expect(value).toMatchObject({ type: 'headwater.gap', data: { reason: 'downtime' } });
    const told = JSON.stringify(logger.lines, (_, inner) => (inner instanceof Error ? String(inner) : inner));
    expect(told).toContain('GitHub cannot be asked');
    expect(told).not.toContain('ghp_');
  });

  it('needs a token, and one owner', async () => {
    const github = await startGitHub();
    const { config } = setUp(github);
    await expect(createSource(config)).rejects.toMatchObject({ code: 'SECRET_EMPTY' });
    const reconcile = { repository: 'o/r', organization: 'o', hookId: 7 };
    const both = { endpoints: { hooks: { provider: 'github' as const, reconcile } } };
    await expect(createSource(both)).rejects.toThrow(/repository or organization/);
  });
});
