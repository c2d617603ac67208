import { inspect } from 'node:util';
import {
  AuthenticationError,
  ConfigError,
  FatalError,
  HeadwaterError,
  NotFoundError,
  PermissionError,
  RateLimitedError,
  RetryableError,
} from 'headwater';
import { type SlackConfigInput, SlackSource } from 'headwater/sources/slack';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../services/slack/faults.js';
import { SlackWorld, START, textsOf } from './world.js';

let world: SlackWorld;
beforeEach(async () => {
  world = await SlackWorld.start();
});
afterEach(async () => {
  expect(world.slack.violations).toEqual([]);
  await world.stop();
});

async function failureOf(config?: SlackConfigInput): Promise<HeadwaterError> {
  const error = await world.runMoving(config).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HeadwaterError);
  return error as HeadwaterError;
}

describe('SL6: what Slack refuses', () => {
  it.each([
    ['invalid_auth', AuthenticationError, 'SLACK_AUTHENTICATION', /not valid/],
    ['token_revoked', AuthenticationError, 'SLACK_AUTHENTICATION', /Install the app again/],
    ['token_expired', AuthenticationError, 'SLACK_AUTHENTICATION', /Refresh it/],
    ['account_inactive', AuthenticationError, 'SLACK_AUTHENTICATION', /deactivated/],
    ['not_in_channel', PermissionError, 'SLACK_NOT_IN_CHANNEL', /\/invite @your-app.*"autoJoin"/],
    ['channel_not_found', NotFoundError, 'SLACK_CHANNEL_NOT_FOUND', /invite the app/],
    ['is_archived', PermissionError, 'SLACK_ARCHIVED', /Unarchive it/],
    ['no_permission', PermissionError, 'SLACK_FORBIDDEN', /another kind of token/],
    ['something_new', FatalError, 'SLACK_REFUSED', /docs\.slack\.dev\/reference\/methods\/conversations\.history/],
  ] as const)('%s is told as what it is, with what to do; the position stays', async (error, kind, code, advice) => {
    const channel = world.workspace.channel('general');
    channel.post({ text: 'first' });
    const config = { channels: ['general'] };
    await world.run(config);
    const before = await world.saved();
    channel.post({ text: 'second' });
    world.slack.fail('conversations.history', 1, { kind: 'error', error });
    const failure = await failureOf(config);
    expect(failure).toBeInstanceOf(kind);
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(advice);
    expect(failure.message).toContain(channel.id);
    expect(await world.saved()).toEqual(before);
    expect(textsOf(await world.run(config))).toEqual(['second']);
  });

  it('a missing scope is named, with those that are there', async () => {
    const channel = world.workspace.channel('secret', { type: 'private_channel' });
    const scopes = ['channels:history', 'channels:read', 'groups:read'];
    const { token } = world.workspace.token({ token: 'xoxb-few-scopes', scopes });
    const source = await world.source({ token, config: { channels: [channel.id] } });
    await expect(source.generateEvents().next()).rejects.toMatchObject({
      name: 'PermissionError',
      code: 'SLACK_MISSING_SCOPE',
      message: expect.stringMatching(
        /lacks the scope groups:history and has channels:history,channels:read,groups:read/,
      ),
    });
    await source.close();
  });

  it('a name that no channel has is told, with the name', async () => {
    world.workspace.channel('general');
    const failure = await failureOf({ channels: ['general', 'generale'] });
    expect(failure).toBeInstanceOf(NotFoundError);
    expect(failure.message).toMatch(/there is no channel "generale"/);
  });

  it('one channel that cannot be read does not keep the others from being read', async () => {
    world.workspace.channel('foreign', { members: [] });
    world.workspace.channel('general').post({ text: 'hello' });
    const config = { channels: ['foreign', 'general'] };
    const source = await world.source({ config });
    const texts: string[] = [];
    const reading = async (): Promise<void> => {
      for await (const event of source.generateEvents()) texts.push(...textsOf([event]));
    };
    await expect(reading()).rejects.toMatchObject({ code: 'SLACK_NOT_IN_CHANNEL' });
    await source.close();
    expect(texts).toEqual(['hello']);
    expect((await failureOf(config)).code).toBe('SLACK_NOT_IN_CHANNEL');
  });

  it('a channel that is left while the joined ones are read is left alone', async () => {
    const left = world.workspace.channel('left');
    world.workspace.channel('stayed').post({ text: 'hello' });
    world.slack.before('conversations.history', 1, () => left.members.clear());
    expect(textsOf(await world.run())).toEqual(['hello']);
    expect(world.logger.lines).toMatchObject([{ level: 'warn', object: { channel: left.id } }]);
  });

  it('channels are joined where that is asked for, and only then', async () => {
    const channel = world.workspace.channel('open', { members: [] });
    channel.post({ text: 'hello' });
    const config = { channels: ['open'], autoJoin: true };
    const events = await world.run(config);
    expect(events).toMatchObject([{ data: { text: 'hello' } }, { type: 'slack.channel.joined' }]);
    expect(world.slack.count('conversations.join')).toBe(1);
    channel.members.clear();
    expect((await failureOf({ channels: ['open'] })).code).toBe('SLACK_NOT_IN_CHANNEL');
    expect(world.slack.count('conversations.join')).toBe(1);
  });
});

describe('what passes', () => {
  it.each<[string, Fault]>([
    ['HTTP 429 with Retry-After', { kind: 'rate-limited', retryAfter: '30' }],
    ['HTTP 429 without it', { kind: 'rate-limited' }],
    ['ratelimited with HTTP 200', { kind: 'error', error: 'ratelimited' }],
    ['fatal_error', { kind: 'error', error: 'fatal_error' }],
    ['internal_error', { kind: 'error', error: 'internal_error' }],
    ['HTTP 503', { kind: 'status', status: 503 }],
    ['a connection that is reset', { kind: 'reset' }],
    ['a body that breaks off', { kind: 'broken-body' }],
    ['JSON that is not whole', { kind: 'truncated-json' }],
  ])('%s is tried again, once for each time', async (_, fault) => {
    world.workspace.channel('general').fill(5, { from: START, everyMs: 1_000 });
    world.slack.fail('conversations.history', 1, fault);
    world.slack.fail('conversations.history', 3, fault);
    const events = await world.runMoving({ pageSize: 3, threads: false });
    expect(events).toHaveLength(5);
    // One owner of retries: two pages, and each failure once more.
    expect(world.slack.count('conversations.history')).toBe(4);
  });

  it('SL6: a rate limit is waited for as long as Slack says, and shows in the status; other methods go on', async () => {
    world.workspace.channel('general').post({ text: 'hello' });
    world.slack.fail('conversations.history', 1, { kind: 'rate-limited', retryAfter: '120' });
    const source = await world.source();
    const next = source.generateEvents().next();
    const isWaiting = (): boolean => source.getStatus().state === 'waiting-for-rate-limit';
    while (!isWaiting()) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(source.getStatus()).toEqual({ state: 'waiting-for-rate-limit', until: new Date(START + 120_000) });
    await world.clock.advance(119_000);
    expect(world.slack.count('conversations.history')).toBe(1);
    expect((await world.moving(next)).value).toMatchObject({ data: { text: 'hello' } });
    await source.close();
  });

  it('is given up after some tries, as what may be tried again', async () => {
    world.workspace.channel('general');
    world.slack.fail('conversations.history', 1, { kind: 'status', status: 503 }, Number.POSITIVE_INFINITY);
    expect(await failureOf()).toBeInstanceOf(RetryableError);
    expect(world.slack.count('conversations.history')).toBe(5);
    world.slack.clear();
    world.slack.fail('conversations.history', 1, { kind: 'error', error: 'ratelimited' }, Number.POSITIVE_INFINITY);
    expect(await failureOf()).toBeInstanceOf(RateLimitedError);
  });

  it('HTML instead of JSON is told at once', async () => {
    world.workspace.channel('general');
    world.slack.fail('conversations.history', 1, { kind: 'html' });
    expect(await failureOf()).toMatchObject({ code: 'HTTP_NOT_JSON', message: expect.stringMatching(/login page/) });
    expect(world.slack.count('conversations.history')).toBe(1);
  });

  it('an answer that never comes ends with the signal', async () => {
    world.workspace.channel('general');
    world.slack.fail('conversations.history', 1, { kind: 'hang' });
    const source = await world.source();
    const controller = new AbortController();
    world.slack.before('conversations.history', 1, () => controller.abort(new Error('enough')));
    await expect(source.generateEvents({ signal: controller.signal }).next()).rejects.toThrow('enough');
    await source.close();
  });
});

describe('validate()', () => {
  async function problemsOf(config: SlackConfigInput, token?: string) {
    const credentials = { token: token ?? world.slack.token };
    const source = await SlackSource.create({
      id: 'chat',
      config: { apiUrl: world.slack.url, ...config },
      credentials,
    });
    const result = await source.validate();
    await source.close();
    return { ...result, codes: result.problems.map(({ severity, code }) => `${severity} ${code}`) };
  }

  it('accepts what can be read, and joins and reads nothing', async () => {
    world.workspace.channel('general');
    world.workspace.channel('open', { members: [] });
    expect(await problemsOf({})).toMatchObject({ ok: true, problems: [] });
    expect(await problemsOf({ channels: ['general', 'open'], autoJoin: true })).toMatchObject({
      ok: true,
      codes: ['warning SLACK_NOT_IN_CHANNEL'],
    });
    expect([world.slack.count('conversations.join'), world.slack.count('conversations.history')]).toEqual([0, 0]);
  });

  it('tells a bad token, missing scopes, unknown channels, missing membership, archived channels', async () => {
    world.workspace.channel('open', { members: [] });
    world.workspace.channel('old').archive();
    const { token } = world.workspace.token({ token: 'xoxb-few-scopes', scopes: ['channels:read'] });
    expect(await problemsOf({}, 'xoxb-wrong')).toMatchObject({ ok: false, codes: ['error SLACK_AUTHENTICATION'] });
    const few = await problemsOf({ types: ['public_channel'], resolve: true, autoJoin: true }, token);
    expect(few.problems.map(({ message }) => message)).toEqual([
      'the token lacks the scope channels:history',
      'the token lacks the scope users:read',
      'the token lacks the scope channels:join',
    ]);
    expect(await problemsOf({ channels: ['open', 'nowhere', 'old'] })).toMatchObject({
      ok: false,
      codes: ['error SLACK_NOT_IN_CHANNEL', 'error SLACK_CHANNEL_NOT_FOUND', 'warning SLACK_ARCHIVED'],
    });
    expect(await problemsOf({ channels: ['C999999999'] })).toMatchObject({ codes: ['error SLACK_CHANNEL_NOT_FOUND'] });
  });

  it('tells when the token belongs to another workspace', async () => {
    world.workspace.channel('general').post({ text: 'hello' });
    expect(await problemsOf({ workspace: 'other' })).toMatchObject({ codes: ['error SLACK_WORKSPACE'] });
    for (const workspace of ['T000000001', 'example']) expect((await problemsOf({ workspace })).ok).toBe(true);
    expect((await failureOf({ workspace: 'other' })).code).toBe('SLACK_WORKSPACE');
    expect(textsOf(await world.run({ workspace: 'example' }))).toEqual(['hello']);
  });
});

describe('configuration and credentials', () => {
  it.each([
    [{ chanels: ['general'] }, /chanels.*channels/],
    [{ channels: ['two words'] }, /channels/],
    [{ channels: [] }, /channels/],
    [{ pageSize: 1_000 }, /pageSize/],
    [{ apiUrl: 'https://user:secret-word@slack.com/api/' }, /apiUrl/],
    [{ since: 'yesterday' }, /since/],
    [{ threads: { windowDays: 0 } }, /windowDays/],
  ])('%o is refused', async (config, message) => {
    const error = await world.source({ config: config as SlackConfigInput }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain('secret-word');
  });

  it.each([[undefined], ['anonymous'], [{ token: undefined }], [{ token: '' }], [{ token: 'two words' }]])(
    'credentials %o are refused',
    async (credentials) => {
      const created = SlackSource.create({ id: 'chat', config: {}, credentials: credentials as never });
      await expect(created).rejects.toBeInstanceOf(ConfigError);
    },
  );

  it('no token is in an event, a cursor, the state, a log line, an error or the source itself', async () => {
    const channel = world.workspace.channel('general');
    channel.post({ text: 'hello' });
    const source = await world.source({ config: { channels: ['general'], reread: {}, resolve: true } });
    const seen: unknown[] = [source, inspect(source, { depth: 9, showHidden: true }), JSON.stringify(source)];
    for await (const event of source.generateEvents()) seen.push(event, source.getStatus());
    for (const error of ['invalid_auth', 'internal_error', world.slack.token]) {
      world.slack.fail('conversations.history', 1, { kind: 'error', error }, 9);
      channel.post({ text: 'more' });
      const failure = await failureOf();
      seen.push(inspect(failure, { depth: 9, showHidden: true }), failure.stack);
      world.slack.clear();
    }
    world.slack.fail('auth.test', 1, { kind: 'status', status: 500, body: world.slack.token }, 9);
    seen.push(await world.moving(source.validate()));
    seen.push(world.logger.lines, await world.saved());
    for await (const entry of world.store.loadState('chat')) seen.push(entry);
    await source.close();
    const text = inspect(seen, { depth: 12, maxArrayLength: null, maxStringLength: null });
    expect(text.includes('[secret]')).toBe(true);
    expect(text.includes(world.slack.token)).toBe(false);
  });

  it('the token goes into the header of requests to Slack, and nowhere else; one is asked at a time', async () => {
    world.workspace.channel('general').post({ text: 'hello' });
    world.workspace.channel('random').post({ text: 'hello' });
    await world.run({ resolve: true });
    expect(new Set(world.slack.calls.map(({ tokenIn }) => tokenIn))).toEqual(new Set(['header']));
    expect(world.slack.mostAtOnce).toBe(1);
  });

  it("requests go through the host's dispatcher, which is left open", async () => {
    world.workspace.channel('general').post({ text: 'hello' });
    const agent = new Agent();
    let dispatched = 0;
    const dispatcher = {
      dispatch(...call: Parameters<Agent['dispatch']>): boolean {
        dispatched += 1;
        return agent.dispatch(...call);
      },
    };
    const credentials = { token: world.slack.token };
    const source = await SlackSource.create({
      id: 'chat',
      config: { apiUrl: world.slack.url },
      credentials,
      dispatcher,
    });
    for await (const _ of source.generateEvents());
    await source.close();
    expect(dispatched).toBe(world.slack.count());
    expect(agent.closed).toBe(false);
    await agent.close();
  });
});
