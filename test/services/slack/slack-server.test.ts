import { WebClient } from '@slack/web-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SlackServer } from './slack-server.js';

interface Answered {
  ok: boolean;
  error?: string;
  messages: { ts: string; text: string; [field: string]: unknown }[];
  channels: { id: string; name: string; is_member: boolean; is_archived: boolean }[];
  members: unknown[];
  has_more: boolean;
  response_metadata?: { next_cursor?: string };
  [field: string]: unknown;
}

const START = 1_718_000_000_000;
let now = START;
let slack: SlackServer;

beforeEach(async () => {
  now = START;
  slack = await SlackServer.start({ now: () => now });
});
afterEach(() => slack.stop());

async function call(method: string, args: Record<string, string> = {}, token = slack.token): Promise<Answered> {
  const response = await post(method, args, token);
  return (await response.json()) as Answered;
}

function post(method: string, args: Record<string, string> = {}, token = slack.token): Promise<Response> {
  return fetch(`${slack.url}${method}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: new URLSearchParams(args),
  });
}

const textsOf = ({ messages }: Answered): string[] => messages.map(({ text }) => text);

/** Every page of a method, by its cursors. */
async function pages(method: string, args: Record<string, string>): Promise<Answered[]> {
  const all: Answered[] = [];
  for (let cursor: string | undefined; cursor !== '' && (cursor !== undefined || all.length === 0); ) {
    const page = await call(method, { ...args, ...(cursor !== undefined && { cursor }) });
    all.push(page);
    cursor = page.response_metadata?.next_cursor ?? '';
  }
  return all;
}

describe('conversations.history of the Slack test server', () => {
  it('gives the newest first, a hundred at a time unless told otherwise, and a cursor while there is more', async () => {
    const channel = slack.workspace.channel('general');
    channel.fill(250, { from: START, everyMs: 1_000 });
    const all = await pages('conversations.history', { channel: channel.id });
    expect(all.map(({ messages }) => messages.length)).toEqual([100, 100, 50]);
    expect(all.map(({ has_more }) => has_more)).toEqual([true, true, false]);
    expect(all.flatMap(textsOf)).toEqual(Array.from({ length: 250 }, (_, index) => `message ${249 - index}`));
  });

  it('leaves out the bounds unless inclusive, which means nothing without a bound', async () => {
    const channel = slack.workspace.channel('general');
    const [first, , third] = channel.fill(3, { from: START, everyMs: 1 });
    const bounds = { channel: channel.id, oldest: first as string, latest: third as string };
    expect(textsOf(await call('conversations.history', bounds))).toEqual(['message 1']);
    const within = await call('conversations.history', { ...bounds, inclusive: 'true' });
    expect(textsOf(within)).toEqual(['message 2', 'message 1', 'message 0']);
    const unbounded = await call('conversations.history', { channel: channel.id, inclusive: 'true' });
    expect(unbounded.messages).toHaveLength(3);
    expect(slack.violations).toEqual([]);
  });

  it('gives messages of one moment a ts of six digits each, all different', async () => {
    const channel = slack.workspace.channel('general');
    for (let count = 0; count < 3; count += 1) channel.post();
    const { messages } = await call('conversations.history', { channel: channel.id });
    expect(messages.map(({ ts }) => ts)).toEqual(['1718000000.000002', '1718000000.000001', '1718000000.000000']);
  });

  it('gives no replies but those sent to the channel, with the message they reply to', async () => {
    const channel = slack.workspace.channel('general');
    const parent = channel.post({ text: 'parent' });
    channel.reply(parent, { text: 'hidden', at: START + 1_000 });
    channel.reply(parent, { text: 'broadcast', broadcast: true, at: START + 2_000 });
    const { messages } = await call('conversations.history', { channel: channel.id });
    expect(messages).toMatchObject([
      { text: 'broadcast', subtype: 'thread_broadcast', thread_ts: parent, root: { ts: parent } },
      { text: 'parent', reply_count: 2, latest_reply: '1718000002.000000', thread_ts: parent },
    ]);
  });

  it('shows edits, reactions and tombstones in place, and nothing of what was deleted', async () => {
    const channel = slack.workspace.channel('general');
    const [edited, deleted, parent] = channel.fill(3, { from: START, everyMs: 1_000 }) as [string, string, string];
    const reply = channel.reply(parent, { at: START + 60_000 });
    channel.edit(edited, 'changed', { at: START + 90_500 });
    channel.react(edited, 'tada', 'U000000001');
    channel.delete(deleted);
    channel.delete(parent);
    const before = await call('conversations.history', { channel: channel.id });
    expect(before.messages).toMatchObject([
      { subtype: 'tombstone', user: 'USLACKBOT', ts: parent, reply_count: 1 },
      {
        text: 'changed',
        edited: { ts: '1718000090.000000' },
        reactions: [{ name: 'tada', users: ['U000000001'], count: 1 }],
      },
    ]);
    channel.delete(reply);
    channel.unreact(edited, 'tada', 'U000000001');
    const after = await call('conversations.history', { channel: channel.id });
    expect(after.messages).toHaveLength(1);
    expect(after.messages[0]).not.toHaveProperty('reactions');
  });

  it('is not moved by what is posted and deleted between pages', async () => {
    const channel = slack.workspace.channel('general');
    const all = channel.fill(6, { from: START, everyMs: 1_000 });
    slack.before('conversations.history', 2, () => {
      channel.post({ text: 'new', at: START + 60_000 });
      channel.delete(all[5] as string);
    });
    const got = await pages('conversations.history', { channel: channel.id, limit: '2' });
    expect(got.flatMap(textsOf)).toEqual([5, 4, 3, 2, 1, 0].map((index) => `message ${index}`));
  });

  it('clips what restricted apps ask for to 15, and lets them ask once a minute', async () => {
    slack.restrict();
    const channel = slack.workspace.channel('general');
    channel.fill(20, { from: START, everyMs: 1_000 });
    const first = await call('conversations.history', { channel: channel.id, limit: '200' });
    expect(first.messages).toHaveLength(15);
    const refused = await post('conversations.history', { channel: channel.id });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('60');
    expect(await call('conversations.info', { channel: channel.id })).toMatchObject({ ok: true });
    now += 60_000;
    const cursor = first.response_metadata?.next_cursor as string;
    const second = await call('conversations.history', { channel: channel.id, limit: '200', cursor });
    expect(second).toMatchObject({ has_more: false, messages: { length: 5 } });
    expect(slack.violations).toEqual([]);
  });

  it('may give fewer than asked for, or none, although there is more', async () => {
    slack.behaviour.pageSize = (limit, { count }) => (count === 2 ? 0 : Math.min(limit, 2));
    const channel = slack.workspace.channel('general');
    channel.fill(5, { from: START, everyMs: 1_000 });
    const all = await pages('conversations.history', { channel: channel.id });
    expect(all.map(({ messages }) => messages.length)).toEqual([2, 0, 2, 1]);
  });

  it('fills and pages through 100,000 messages in no time', async () => {
    const channel = slack.workspace.channel('general');
    channel.fill(100_000, { from: START - 100_000_000, everyMs: 1_000 });
    const all = await pages('conversations.history', { channel: channel.id, limit: '999' });
    expect(all).toHaveLength(101);
    expect(new Set(all.flatMap(({ messages }) => messages.map(({ ts }) => ts))).size).toBe(100_000);
  });
});

describe('conversations.replies of the Slack test server', () => {
  it.each([true, false])('gives the parent first, then the oldest replies (on every page: %s)', async (everyPage) => {
    slack.behaviour.parentOnEveryPage = everyPage;
    const channel = slack.workspace.channel('general');
    const parent = channel.post({ text: 'parent' });
    for (let count = 0; count < 5; count += 1) channel.reply(parent, { text: `reply ${count}`, at: START + count + 1 });
    const all = await pages('conversations.replies', { channel: channel.id, ts: parent, limit: '3' });
    expect(all.map(textsOf)).toEqual(
      everyPage
        ? [
            ['parent', 'reply 0', 'reply 1'],
            ['parent', 'reply 2', 'reply 3'],
            ['parent', 'reply 4'],
          ]
        : [
            ['parent', 'reply 0', 'reply 1'],
            ['reply 2', 'reply 3', 'reply 4'],
          ],
    );
  });

  it('gives the replies after a time, a single message for what is no thread, and refuses the rest', async () => {
    const channel = slack.workspace.channel('general');
    const parent = channel.post({ text: 'parent' });
    const first = channel.reply(parent, { text: 'first', at: START + 1 });
    channel.reply(parent, { text: 'second', at: START + 2 });
    const later = await call('conversations.replies', { channel: channel.id, ts: parent, oldest: first });
    expect(textsOf(later)).toEqual(['parent', 'second']);
    const single = channel.post({ text: 'single' });
    expect(textsOf(await call('conversations.replies', { channel: channel.id, ts: single }))).toEqual(['single']);
    const joined = channel.join('U000000002');
    for (const ts of [joined, '1600000000.000000']) {
      expect(await call('conversations.replies', { channel: channel.id, ts })).toMatchObject({
        error: 'thread_not_found',
      });
    }
  });
});

describe('channels and people of the Slack test server', () => {
  it('lists by type, a page at a time, archived ones taken out of the page', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const channels = names.map((name) => slack.workspace.channel(name, { members: [] }));
    slack.workspace.channel('private', { type: 'private_channel' });
    slack.workspace.channel('secret', { type: 'private_channel', members: ['U000000001'] });
    channels[1]?.archive();
    const open = await pages('conversations.list', { limit: '2', exclude_archived: 'true' });
    expect(open.map((page) => page.channels.map(({ name }) => name))).toEqual([['a'], ['c', 'd']]);
    const hidden = await call('conversations.list', { types: 'private_channel' });
    expect(hidden.channels).toMatchObject([{ name: 'private', is_member: true }]);
    expect(await call('conversations.list', { types: 'anything' })).toMatchObject({ error: 'invalid_types' });
  });

  it('keeps the id of a channel that is renamed, and tells those within', async () => {
    const channel = slack.workspace.channel('old');
    channel.rename('new');
    const info = await call('conversations.info', { channel: channel.id });
    expect(info['channel']).toMatchObject({ id: channel.id, name: 'new', previous_names: ['old'] });
    const { messages } = await call('conversations.history', { channel: channel.id });
    expect(messages).toMatchObject([{ subtype: 'channel_name', old_name: 'old', name: 'new' }]);
  });

  it('lets a bot read where it is a member, and join where it may', async () => {
    const open = slack.workspace.channel('open', { members: [] });
    const secret = slack.workspace.channel('secret', { type: 'private_channel', members: [] });
    const old = slack.workspace.channel('old', { members: [] });
    old.archive();
    const ask = (channel: string) => call('conversations.history', { channel });
    expect(await ask(open.id)).toMatchObject({ ok: false, error: 'not_in_channel' });
    expect(await ask(secret.id)).toMatchObject({ ok: false, error: 'channel_not_found' });
    slack.workspace.token({ token: 'xoxp-test', kind: 'user' });
    expect(await call('conversations.history', { channel: open.id }, 'xoxp-test')).toMatchObject({ ok: true });
    expect(await call('conversations.join', { channel: old.id })).toMatchObject({ error: 'is_archived' });
    expect(await call('conversations.join', { channel: open.id })).toMatchObject({ ok: true });
    expect((await ask(open.id)).messages).toMatchObject([{ subtype: 'channel_join', user: 'U000000002' }]);
    expect(await call('conversations.join', { channel: open.id })).toMatchObject({ warning: 'already_in_channel' });
  });

  it('lists members and users, and tells of one', async () => {
    const channel = slack.workspace.channel('general');
    expect((await call('conversations.members', { channel: channel.id })).members).toHaveLength(2);
    expect((await call('users.list')).members).toMatchObject([{ name: 'ann' }, { is_bot: true }]);
    expect(await call('users.info', { user: 'U000000001' })).toMatchObject({
      user: { profile: { display_name: 'ann' } },
    });
    expect(await call('users.info', { user: 'U999999999' })).toMatchObject({ error: 'user_not_found' });
  });
});

describe('what the Slack test server refuses', () => {
  it('tells who asks, with the scopes in a header', async () => {
    const response = await post('auth.test');
    expect(response.headers.get('x-oauth-scopes')).toContain('channels:history');
    expect(await response.json()).toMatchObject({ ok: true, team_id: 'T000000001', user_id: 'U000000002' });
  });

  it('answers HTTP 200 and says what is wrong with a token', async () => {
    expect(await call('auth.test', {}, 'xoxb-wrong')).toEqual({ ok: false, error: 'invalid_auth' });
    const token = slack.workspace.token({ token: 'xoxb-other', scopes: ['channels:read'] });
    const channel = slack.workspace.channel('general');
    expect(await call('conversations.history', { channel: channel.id }, token.token)).toEqual({
      ok: false,
      error: 'missing_scope',
      needed: 'channels:history',
      provided: 'channels:read',
    });
    for (const state of ['token_revoked', 'account_inactive', 'token_expired'] as const) {
      token.state = state;
      expect(await call('auth.test', {}, token.token)).toEqual({ ok: false, error: state });
    }
    expect(slack.violations).toEqual([]);
  });

  it('takes the token from the header or a form, arguments as form, query or JSON', async () => {
    const channel = slack.workspace.channel('general');
    const asForm = await fetch(`${slack.url}conversations.info`, {
      method: 'POST',
      body: new URLSearchParams({ token: slack.token, channel: channel.id }),
    });
    expect(await asForm.json()).toMatchObject({ ok: true });
    const headers = { authorization: `Bearer ${slack.token}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ channel: channel.id, token: slack.token });
    const asJson = await fetch(`${slack.url}conversations.info`, { method: 'POST', headers, body });
    expect(await asJson.json()).toMatchObject({ ok: true });
    const asQuery = await fetch(`${slack.url}conversations.info?channel=${channel.id}`, { headers });
    expect(await asQuery.json()).toMatchObject({ ok: true });
    expect(slack.calls.map(({ tokenIn }) => tokenIn)).toEqual(['body', 'header', 'header']);
    expect(slack.violations).toEqual([]);
  });

  it.each<[string, Record<string, string>, string, string]>([
    ['conversations.history', { limit: '1000' }, 'invalid_limit', 'limit was 1000, not from 1 to 999'],
    ['conversations.history', { cursor: 'bm90aGluZw==' }, 'invalid_cursor', ''],
    ['conversations.history', { oldest: 'yesterday' }, 'invalid_ts_oldest', 'oldest was yesterday, not a ts'],
    ['conversations.nothing', {}, 'unknown_method', 'there is no such method'],
  ])('%s with %o is %s', async (method, args, error, violation) => {
    const channel = slack.workspace.channel('general');
    expect(await call(method, { channel: channel.id, ...args })).toMatchObject({ ok: false, error });
    expect(slack.violations.join()).toContain(violation);
    expect(slack.violations.length > 0).toBe(violation !== '');
  });

  it('notes a ts that lost its digits, a ts that is a number, an unknown argument and a missing token', async () => {
    const channel = slack.workspace.channel('general');
    await call('conversations.history', { channel: channel.id, oldest: '1718000000.0001', colour: 'red' });
    await fetch(`${slack.url}conversations.history`, {
      method: 'POST',
      headers: { authorization: `Bearer ${slack.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ channel: channel.id, oldest: 1718000000.0001 }),
    });
    await fetch(`${slack.url}auth.test`, { method: 'POST' });
    expect(slack.violations).toEqual([
      'conversations.history: there is no argument colour',
      'conversations.history: oldest was 1718000000.0001, not a ts with six digits after the point',
      'conversations.history: oldest was sent as a number, not as text',
      'conversations.history: oldest was 1718000000.0001, not a ts with six digits after the point',
      'auth.test: the token is missing',
    ]);
  });
});

describe('faults of the Slack test server', () => {
  it('limits each method of each workspace by itself', async () => {
    slack.rateLimits.limits.set('auth.test', { calls: 2, perMs: 10_000 });
    const other = slack.addWorkspace().token({ token: 'xoxb-second' });
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1) statuses.push((await post('auth.test')).status);
    statuses.push((await post('auth.test', {}, other.token)).status);
    now += 10_000;
    statuses.push((await post('auth.test')).status);
    expect(statuses).toEqual([200, 200, 429, 200, 200]);
  });

  it('fails the nth call as it was told, and no other', async () => {
    slack.fail('auth.test', 1, { kind: 'error', error: 'fatal_error' });
    slack.fail('auth.test', 2, { kind: 'rate-limited', retryAfter: '7' });
    slack.fail('auth.test', 3, { kind: 'status', status: 503 });
    slack.fail('auth.test', 4, { kind: 'html' });
    slack.fail('auth.test', 5, { kind: 'truncated-json' });
    slack.fail('auth.test', 6, { kind: 'reset' });
    slack.fail('auth.test', 7, { kind: 'broken-body' });
    expect(await call('auth.test')).toEqual({ ok: false, error: 'fatal_error' });
    const limited = await post('auth.test');
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '7']);
    expect((await post('auth.test')).status).toBe(503);
    expect(await (await post('auth.test')).text()).toMatch(/^<html>/);
    await expect(call('auth.test')).rejects.toThrow(SyntaxError);
    await expect(call('auth.test')).rejects.toThrow('fetch failed');
    await expect(call('auth.test')).rejects.toThrow('terminated');
    expect(await call('auth.test')).toMatchObject({ ok: true });
    expect(slack.calls.map(({ status }) => status)).toEqual([200, 429, 503, 200, 200, 200, 200, 200]);
  });

  it('answers in pieces as they are asked for, or never', async () => {
    let pieces = 0;
    const between = async (): Promise<void> => {
      pieces += 1;
    };
    slack.fail('auth.test', 1, { kind: 'slow', pieces: 4, between });
    expect(await call('auth.test')).toMatchObject({ ok: true });
    expect(pieces).toBe(4);
    slack.fail('auth.test', 1, { kind: 'hang' });
    const abort = new AbortController();
    slack.before('auth.test', 1, () => setImmediate(() => abort.abort()));
    await expect(fetch(`${slack.url}auth.test`, { signal: abort.signal })).rejects.toThrow('aborted');
  });

  it('counts what is asked at the same time', async () => {
    let release = (): void => {};
    const together = new Promise<void>((resolve) => {
      release = resolve;
    });
    slack.beforeEach('*', () => (slack.count() === 3 ? release() : together));
    await Promise.all([call('auth.test'), call('users.list'), call('conversations.list')]);
    expect(slack.mostAtOnce).toBe(3);
    expect([slack.count(), slack.count('auth.test')]).toEqual([3, 1]);
    expect(JSON.stringify(slack.calls)).not.toContain(slack.token);
  });
});

describe('the official client against the Slack test server', () => {
  it('reads a channel, a thread and people, and understands what is refused', async () => {
    const channel = slack.workspace.channel('general');
    channel.fill(3, { from: START, everyMs: 1_000 });
    const parent = channel.post({ text: 'parent', at: START + 10_000 });
    channel.reply(parent, { text: 'reply', at: START + 11_000 });
    const client = new WebClient(slack.token, { slackApiUrl: slack.url, retryConfig: { retries: 0 } });
    const auth = await client.auth.test();
    expect(auth.response_metadata?.scopes).toContain('users:read');
    const texts: string[] = [];
    for await (const page of client.paginate('conversations.history', { channel: channel.id, limit: 2 })) {
      texts.push(...textsOf(page as unknown as Answered));
    }
    expect(texts).toEqual(['parent', 'message 2', 'message 1', 'message 0']);
    const thread = await client.conversations.replies({ channel: channel.id, ts: parent });
    expect(thread.messages?.map(({ text }) => text)).toEqual(['parent', 'reply']);
    const { channels } = await client.conversations.list({ types: 'public_channel,private_channel' });
    expect(channels).toMatchObject([{ name: 'general', is_member: true }]);
    await expect(client.conversations.info({ channel: 'C999999999' })).rejects.toMatchObject({
      data: { ok: false, error: 'channel_not_found' },
    });
    expect(slack.violations).toEqual([]);
  });
});
