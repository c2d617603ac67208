import type { GapEvent, SourceEvent } from '../../core/event.js';
import type { EventFields } from '../../core/event-source.js';
import type { SlackFile, SlackMessage, SlackReaction } from './message.js';
import { type Ts, timeOf } from './timestamp.js';

/** Where something happened. `ts` is the message's identity within the channel; its text, never a number. */
export interface SlackPlace {
  /** The id of the channel, which stays when the channel is renamed. */
  channel: string;
  ts: Ts;
  /** With `resolve`. */
  channelName?: string;
}

export interface SlackMessageData extends SlackPlace {
  /** Of a reply: the message that began the thread. */
  threadTs?: Ts;
  /** The id of a person; absent for most messages of apps. */
  user?: string;
  /** With `resolve`. */
  userName?: string;
  botId?: string;
  /** The name that an app gave itself. */
  botName?: string;
  /** In Slack's own markup. */
  text: string;
  /** 'bot_message', 'thread_broadcast', 'channel_topic' …; absent for what people write. */
  subtype?: string;
  edited?: { user?: string; ts: Ts };
  /** When it was read: later ones are not added. */
  reactions?: readonly SlackReaction[];
  files?: readonly SlackFile[];
  /** As Slack has them. */
  blocks?: readonly unknown[];
  attachments?: readonly unknown[];
}

export interface SlackDeletedData extends SlackPlace {
  threadTs?: Ts;
}

export interface SlackReactionData extends SlackPlace {
  /** Without colons: 'tada'. */
  reaction: string;
  user: string;
  userName?: string;
}

export interface SlackMembershipData extends SlackPlace {
  user: string;
  userName?: string;
  /** Who invited them. */
  inviter?: string;
}

export interface SlackRenamedData extends SlackPlace {
  name: string;
  oldName: string;
  user?: string;
  userName?: string;
}

export type SlackMessageEvent = SourceEvent<'slack.message', SlackMessageData>;
export type SlackMessageChangedEvent = SourceEvent<'slack.message.changed', SlackMessageData>;
export type SlackMessageDeletedEvent = SourceEvent<'slack.message.deleted', SlackDeletedData>;
export type SlackReactionAddedEvent = SourceEvent<'slack.reaction.added', SlackReactionData>;
export type SlackReactionRemovedEvent = SourceEvent<'slack.reaction.removed', SlackReactionData>;
export type SlackChannelJoinedEvent = SourceEvent<'slack.channel.joined', SlackMembershipData>;
export type SlackChannelLeftEvent = SourceEvent<'slack.channel.left', SlackMembershipData>;
export type SlackChannelRenamedEvent = SourceEvent<'slack.channel.renamed', SlackRenamedData>;

/** Everything that a `SlackSource` emits. */
export type SlackEvent =
  | SlackMessageEvent
  | SlackMessageChangedEvent
  | SlackMessageDeletedEvent
  | SlackReactionAddedEvent
  | SlackReactionRemovedEvent
  | SlackChannelJoinedEvent
  | SlackChannelLeftEvent
  | SlackChannelRenamedEvent
  | GapEvent;

/** What an event is made of, before it has its envelope. */
export type Fields<Event extends SourceEvent = Exclude<SlackEvent, GapEvent>> =
  Event extends SourceEvent<infer Type, infer Data> ? EventFields<Type, Data> & { type: Type; subject: string } : never;

/** The event that a message is when it is seen for the first time; undefined for one that is deleted already. */
export function firstSeen(channel: string, message: SlackMessage): Fields | undefined {
  const { ts, subtype, user, inviter, name, old_name } = message;
  const common = { id: `${channel}:${ts}`, subject: channel, time: timeOf(ts) };
  switch (subtype) {
    case 'tombstone':
      return undefined;
    case 'channel_join':
    case 'group_join':
      if (user === undefined) break;
      return {
        ...common,
        type: 'slack.channel.joined',
        data: { channel, ts, user, ...(inviter !== undefined && { inviter }) },
      };
    case 'channel_leave':
    case 'group_leave':
      if (user === undefined) break;
      return { ...common, type: 'slack.channel.left', data: { channel, ts, user } };
    case 'channel_name':
    case 'group_name':
      if (name === undefined || old_name === undefined) break;
      return {
        ...common,
        type: 'slack.channel.renamed',
        data: { channel, ts, name, oldName: old_name, ...(user !== undefined && { user }) },
      };
  }
  return { ...common, type: 'slack.message', data: messageData(channel, message) };
}

/** An event, and the message that it is about. */
export interface Delivered {
  ts: Ts;
  fields: Fields;
}

/** The events that messages are when they are seen for the first time. */
export function deliveredOf(channel: string, messages: readonly SlackMessage[]): Delivered[] {
  return messages.flatMap((message) => {
    const fields = firstSeen(channel, message);
    return fields === undefined ? [] : [{ ts: message.ts, fields }];
  });
}

/** @param version what tells this version of the message from all others */
export function changed(channel: string, message: SlackMessage, version: string): Fields {
  const { ts, edited } = message;
  return {
    type: 'slack.message.changed',
    id: `${channel}:${ts}:${version}`,
    subject: channel,
    ...(edited?.ts !== undefined && { time: timeOf(edited.ts) }),
    data: messageData(channel, message),
  };
}

export function deleted(channel: string, ts: Ts): Fields {
  return { type: 'slack.message.deleted', id: `${channel}:${ts}:deleted`, subject: channel, data: { channel, ts } };
}

/** @param revision how often something had happened to the message: a reaction may come, go and come back */
export function reacted(
  what: 'added' | 'removed',
  { channel, ts, reaction, user }: SlackReactionData,
  revision: number,
): Fields {
  const id = `${channel}:${ts}:reaction:${reaction}:${user}:${revision}`;
  const data = { channel, ts, reaction, user };
  return what === 'added'
    ? { type: 'slack.reaction.added', id, subject: channel, data }
    : { type: 'slack.reaction.removed', id, subject: channel, data };
}

function messageData(channel: string, message: SlackMessage): SlackMessageData {
  const { ts, thread_ts, user, bot_id, username, subtype, edited, reactions, files, blocks, attachments } = message;
  const data: SlackMessageData = { channel, ts, text: message.text ?? '' };
  if (thread_ts !== undefined && thread_ts !== ts) data.threadTs = thread_ts;
  if (user !== undefined) data.user = user;
  if (bot_id !== undefined) data.botId = bot_id;
  if (username !== undefined) data.botName = username;
  if (subtype !== undefined) data.subtype = subtype;
  if (edited?.ts !== undefined) {
    data.edited = { ts: edited.ts, ...(edited.user !== undefined && { user: edited.user }) };
  }
  if (reactions !== undefined) data.reactions = reactions.map(({ name, users, count }) => ({ name, users, count }));
  if (files !== undefined) data.files = files.map(fileData);
  if (blocks !== undefined) data.blocks = blocks;
  if (attachments !== undefined) data.attachments = attachments;
  return data;
}

/** What describes a file; not the addresses of its many previews. */
function fileData(file: SlackFile): SlackFile {
  const { id, name, title, mimetype, size, permalink } = file;
  const data = { id, name, title, mimetype, size, permalink };
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined)) as SlackFile;
}
