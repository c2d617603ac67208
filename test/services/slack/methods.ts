import type { CallArguments } from './arguments.js';
import type { ChannelType, Page, Range, SlackChannel, StoredMessage } from './channel.js';
import { SlackFailure } from './failure.js';
import { type Presented, presentChannel, presentMessage, presentUser } from './present.js';
import type { SlackToken, SlackWorkspace } from './workspace.js';

/** Where the documentation leaves room, a server can be told what to do within it. */
export interface Behaviour {
  /**
   * Apps that are sold outside of Slack's marketplace: `conversations.history` and `conversations.replies` give at most
   * 15 objects whatever the limit, and may be called once a minute.
   */
  restricted: boolean;
  /** "Fewer than the requested number of items may be returned": how many at most, of each page. */
  pageSize(limit: number, call: { method: string; count: number }): number;
  /** Whether every page of a thread begins with its parent, or only the first. */
  parentOnEveryPage: boolean;
}

export interface Call {
  method: string;
  /** How often the method has been called, this call included. */
  count: number;
  args: CallArguments;
  token: SlackToken;
  workspace: SlackWorkspace;
  behaviour: Behaviour;
  /** In milliseconds. */
  now: number;
}

export interface SlackMethod {
  readonly args: readonly string[];
  /** Scopes any of which a token needs; where they depend on the channel, the method asks itself. */
  readonly scopes?: readonly string[];
  answer(call: Call): Presented;
}

const PAGED = ['cursor', 'limit'];
const TIMELINE = ['oldest', 'latest', 'inclusive', 'include_all_metadata'];
const RESTRICTED_PAGE = 15;

/** Written from https://docs.slack.dev/reference/methods */
export const SLACK_METHODS: Readonly<Record<string, SlackMethod>> = {
  'auth.test': { args: [], answer: authTest },
  'conversations.list': { args: ['types', 'exclude_archived', 'team_id', ...PAGED], answer: conversationsList },
  'conversations.info': { args: ['channel', 'include_locale', 'include_num_members'], answer: conversationsInfo },
  'conversations.history': { args: ['channel', ...TIMELINE, ...PAGED], answer: conversationsHistory },
  'conversations.replies': { args: ['channel', 'ts', ...TIMELINE, ...PAGED], answer: conversationsReplies },
  'conversations.members': { args: ['channel', ...PAGED], answer: conversationsMembers },
  'conversations.join': { args: ['channel'], scopes: ['channels:join', 'channels:write'], answer: conversationsJoin },
  'users.list': { args: ['include_locale', 'team_id', ...PAGED], scopes: ['users:read'], answer: usersList },
  'users.info': { args: ['user', 'include_locale'], scopes: ['users:read'], answer: usersInfo },
};

function authTest({ token, workspace }: Call): Presented {
  const { userId, kind } = token;
  return {
    url: 'https://example.slack.com/',
    team: 'Example',
    user: workspace.users.get(userId)?.name,
    team_id: workspace.teamId,
    user_id: userId,
    ...(kind === 'bot' && { bot_id: `B${userId.slice(1)}` }),
    is_enterprise_install: false,
  };
}

function conversationsList(call: Call): Presented {
  const { args, token, workspace } = call;
  const types = (args.text('types') ?? 'public_channel').split(',').map((type) => type.trim());
  for (const type of types) requireScope(call, scopeOf(readType(type), 'read'));
  const visible = [...workspace.channels.values()].filter(
    (channel) => types.includes(channel.type) && (channel.type === 'public_channel' || isMember(channel, token)),
  );
  const { items, next } = listPage(call, visible, 'team');
  // What is left out is left out of the page that was cut: such a page is shorter, or empty.
  const shown = args.flag('exclude_archived') ? items.filter(({ isArchived }) => !isArchived) : items;
  return { channels: shown.map((channel) => presentChannel(channel, token, true)), response_metadata: next };
}

function readType(type: string): ChannelType {
  if (type === 'public_channel' || type === 'private_channel' || type === 'mpim' || type === 'im') return type;
  throw new SlackFailure('invalid_types');
}

function conversationsInfo(call: Call): Presented {
  const channel = findChannel(call);
  requireScope(call, scopeOf(channel.type, 'read'));
  return { channel: presentChannel(channel, call.token, call.args.flag('include_num_members')) };
}

function conversationsHistory(call: Call): Presented {
  const { args, behaviour } = call;
  const channel = readableChannel(call);
  const limit = pageSize(call, args.limit(behaviour.restricted ? RESTRICTED_PAGE : 100, 999));
  const range = timeline(args);
  const from = timeCursor(args);
  const before = from === undefined ? range.before : from + 1;
  const page = channel.newest({ ...range, before }, limit);
  return {
    messages: present(call, channel, page.messages),
    has_more: page.hasMore,
    pin_count: 0,
    channel_actions_ts: null,
    channel_actions_count: 0,
    ...nextTs(call, page, (page.messages.at(-1)?.at ?? before) - 1),
  };
}

function conversationsReplies(call: Call): Presented {
  const { args, behaviour } = call;
  const channel = readableChannel(call);
  args.required('ts');
  const parent = threadParent(channel, args.time('ts', 0));
  const limit = pageSize(call, args.limit(behaviour.restricted ? RESTRICTED_PAGE : 1_000, 1_000));
  const range = timeline(args);
  const from = timeCursor(args);
  const after = from === undefined ? range.after : from - 1;
  const withParent = from === undefined || behaviour.parentOnEveryPage;
  // A page that holds nothing but the parent again would never end.
  const page = channel.oldestReplies(parent.at, { ...range, after }, Math.max(1, limit - (withParent ? 1 : 0)));
  return {
    messages: present(call, channel, withParent ? [parent, ...page.messages] : page.messages),
    has_more: page.hasMore,
    ...nextTs(call, page, (page.messages.at(-1)?.at ?? after) + 1),
  };
}

/** Joins and leaves cannot be threads, and a reply begins none. */
function threadParent(channel: SlackChannel, at: number): StoredMessage {
  const message = channel.find(at);
  if (message === undefined || ['channel_join', 'channel_leave'].includes(message.subtype ?? '')) {
    throw new SlackFailure('thread_not_found');
  }
  return message;
}

function conversationsMembers(call: Call): Presented {
  const channel = findChannel(call);
  requireScope(call, scopeOf(channel.type, 'read'));
  const users = [...channel.members].map((id) => ({ id }));
  const { items, next } = listPage(call, users, 'user');
  return { members: items.map(({ id }) => id), response_metadata: next };
}

function conversationsJoin(call: Call): Presented {
  const { token } = call;
  const channel = findChannel(call);
  if (channel.type !== 'public_channel') throw new SlackFailure('method_not_supported_for_channel_type');
  if (channel.isArchived) throw new SlackFailure('is_archived');
  const wasMember = isMember(channel, token);
  if (!wasMember) channel.join(token.userId);
  const warning = wasMember && {
    warning: 'already_in_channel',
    response_metadata: { warnings: ['already_in_channel'] },
  };
  return { channel: presentChannel(channel, token), ...warning };
}

function usersList(call: Call): Presented {
  const { items, next } = listPage(call, [...call.workspace.users.values()], 'user');
  return {
    members: items.map((user) => presentUser(user, call.workspace)),
    cache_ts: Math.floor(call.now / 1_000),
    response_metadata: next,
  };
}

function usersInfo({ args, workspace }: Call): Presented {
  const user = workspace.users.get(args.required('user'));
  if (user === undefined) throw new SlackFailure('user_not_found');
  return { user: presentUser(user, workspace) };
}

/** A private channel that the token may not see does not exist for it. */
function findChannel({ args, token, workspace }: Call): SlackChannel {
  const channel = workspace.channels.get(args.required('channel'));
  if (channel === undefined || (channel.type !== 'public_channel' && !isMember(channel, token))) {
    throw new SlackFailure('channel_not_found');
  }
  return channel;
}

function readableChannel(call: Call): SlackChannel {
  const channel = findChannel(call);
  requireScope(call, scopeOf(channel.type, 'history'));
  if (call.token.kind === 'bot' && !isMember(channel, call.token)) throw new SlackFailure('not_in_channel');
  return channel;
}

function isMember(channel: SlackChannel, { userId }: SlackToken): boolean {
  return channel.members.has(userId);
}

const SCOPE_OF = { public_channel: 'channels', private_channel: 'groups', mpim: 'mpim', im: 'im' } as const;

function scopeOf(type: ChannelType, what: 'read' | 'history'): string {
  return `${SCOPE_OF[type]}:${what}`;
}

export function requireScope({ token }: Pick<Call, 'token'>, ...any: readonly string[]): void {
  if (any.some((scope) => token.scopes.includes(scope))) return;
  throw new SlackFailure('missing_scope', { needed: any[0], provided: token.scopes.join(',') });
}

/** `inclusive` means nothing unless a bound is given. */
function timeline(args: CallArguments): Range {
  const margin = args.flag('inclusive') ? 1 : 0;
  const after = args.text('oldest') === undefined ? -1 : args.time('oldest', 0) - margin;
  const before = args.text('latest') === undefined ? Number.MAX_SAFE_INTEGER : args.time('latest', 0) + margin;
  return { after, before };
}

function pageSize({ behaviour, method, count }: Call, limit: number): number {
  const clipped = behaviour.restricted ? Math.min(limit, RESTRICTED_PAGE) : limit;
  return Math.min(clipped, behaviour.pageSize(clipped, { method, count }));
}

function present({ workspace }: Call, channel: SlackChannel, messages: readonly StoredMessage[]): Presented[] {
  return messages.map((message) => presentMessage(channel, message, workspace.teamId));
}

/** As in the documentation's examples: `next_ts:` and where the next page begins, itself included. */
function timeCursor(args: CallArguments): number | undefined {
  const cursor = args.text('cursor');
  if (cursor === undefined) return undefined;
  const match = /^next_ts:(\d+)(?:,\d+)?$/.exec(Buffer.from(cursor, 'base64').toString());
  if (match === null) throw new SlackFailure('invalid_cursor');
  return Number(match[1]);
}

/** A page without messages comes no further, but is no page that was there before. */
function nextTs({ count }: Call, { messages, hasMore }: Page, next: number): Presented {
  if (!hasMore) return {};
  const cursor = messages.length === 0 ? `next_ts:${next},${count}` : `next_ts:${next}`;
  return { response_metadata: { next_cursor: Buffer.from(cursor).toString('base64') } };
}

/** Lists are paged by id, so that what comes and goes meanwhile moves nothing. */
function listPage<Item extends { id: string }>(call: Call, all: readonly Item[], prefix: 'team' | 'user') {
  const cursor = call.args.text('cursor');
  const limit = pageSize(call, call.args.limit(100, 1_000));
  const from = cursor === undefined ? '' : listCursor(cursor, prefix);
  const sorted = [...all].sort((left, right) => (left.id < right.id ? -1 : 1)).filter(({ id }) => id >= from);
  const next = sorted[limit];
  const next_cursor = next === undefined ? '' : Buffer.from(`${prefix}:${next.id}`).toString('base64');
  return { items: sorted.slice(0, limit), next: { next_cursor } };
}

function listCursor(cursor: string, prefix: string): string {
  const text = Buffer.from(cursor, 'base64').toString();
  if (!text.startsWith(`${prefix}:`)) throw new SlackFailure('invalid_cursor');
  return text.slice(prefix.length + 1);
}
