import type { MessageElement } from '@slack/web-api/dist/types/response/ConversationsHistoryResponse.js';
import type { Channel } from '@slack/web-api/dist/types/response/ConversationsListResponse.js';
import type { Member } from '@slack/web-api/dist/types/response/UsersListResponse.js';
import type { SlackChannel, StoredMessage } from './channel.js';
import { formatTs } from './timestamp.js';
import type { SlackToken, SlackUser, SlackWorkspace } from './workspace.js';

/** Objects as the documentation shows them; the vendor's own recorded types say whether their fields exist. */
export type Presented = Record<string, unknown>;

export function presentChannel(channel: SlackChannel, { userId }: SlackToken, withMembers = false): Presented {
  const { id, type, name, created } = channel;
  if (type === 'im')
    return { id, created, is_im: true, is_archived: false, user: [...channel.members][0] ?? '' } satisfies Channel;
  return {
    id,
    name,
    name_normalized: name,
    is_channel: type === 'public_channel',
    is_group: false,
    is_im: false,
    is_mpim: type === 'mpim',
    is_private: type !== 'public_channel',
    created,
    creator: 'U000000001',
    is_archived: channel.isArchived,
    is_general: false,
    is_shared: false,
    is_member: channel.members.has(userId),
    topic: { value: '', creator: '', last_set: 0 },
    purpose: { value: '', creator: '', last_set: 0 },
    previous_names: channel.previousNames,
    ...(withMembers && { num_members: channel.members.size }),
  } satisfies Channel;
}

export function presentMessage(channel: SlackChannel, message: StoredMessage, team: string): Presented {
  const { at, text, user, subtype, edited, thread, reactions, extra } = message;
  const shown: MessageElement = { type: 'message', ts: formatTs(at), text };
  if (subtype !== undefined) shown.subtype = subtype;
  if (user !== undefined) shown.user = user;
  if (subtype === undefined) shown.team = team;
  if (edited !== undefined) shown.edited = { user: edited.user, ts: formatTs(edited.at) };
  if (reactions !== undefined) {
    shown.reactions = reactions.map(({ name, users }) => ({ name, users: [...users], count: users.length }));
  }
  if (thread !== undefined) Object.assign(shown, presentReply(channel, message, thread));
  const replies = channel.replies(at);
  if (replies.length > 0) Object.assign(shown, presentThread(at, replies));
  return { ...shown, ...extra };
}

function presentThread(at: number, replies: readonly StoredMessage[]): Presented {
  const people = [...new Set(replies.flatMap(({ user }) => user ?? []))];
  return {
    thread_ts: formatTs(at),
    reply_count: replies.length,
    reply_users_count: people.length,
    latest_reply: formatTs((replies.at(-1) as StoredMessage).at),
    reply_users: people.slice(0, 5),
    is_locked: false,
    subscribed: false,
  } satisfies MessageElement;
}

/** A reply that was also sent to the channel carries the message it replies to. */
function presentReply(channel: SlackChannel, { subtype }: StoredMessage, thread: number): MessageElement {
  const parent = channel.find(thread);
  const user = parent?.user === undefined ? {} : { parent_user_id: parent.user };
  const shown = { thread_ts: formatTs(thread), ...user };
  if (subtype !== 'thread_broadcast' || parent === undefined) return shown;
  const summary = presentThread(thread, channel.replies(thread));
  return { ...shown, root: { type: 'message', ts: formatTs(thread), text: parent.text, ...summary } };
}

export function presentUser(
  { id, name, realName, isBot, isDeleted }: SlackUser,
  { teamId }: SlackWorkspace,
): Presented {
  return {
    id,
    team_id: teamId,
    name,
    deleted: isDeleted,
    real_name: realName,
    tz: 'Europe/Amsterdam',
    is_bot: isBot,
    is_app_user: false,
    updated: 1_500_000_000,
    profile: { real_name: realName, display_name: name, real_name_normalized: realName, team: teamId },
  } satisfies Member;
}
