import type { Ts } from './timestamp.js';

/**
 * What is read of a message, of all that Slack sends. Servers are taken as they are: every field but `ts` may be missing.
 *
 * @see https://docs.slack.dev/reference/events/message
 */
export interface SlackMessage {
  ts: Ts;
  subtype?: string;
  user?: string;
  bot_id?: string;
  username?: string;
  text?: string;
  thread_ts?: Ts;
  reply_count?: number;
  latest_reply?: Ts;
  edited?: { user?: string; ts?: Ts };
  reactions?: readonly SlackReaction[];
  files?: readonly SlackFile[];
  blocks?: readonly unknown[];
  attachments?: readonly unknown[];
  inviter?: string;
  /** Of a channel that was renamed. */
  name?: string;
  old_name?: string;
}

export interface SlackReaction {
  /** Without colons: 'tada'. */
  name: string;
  /** May be fewer than `count`. */
  users: readonly string[];
  count: number;
}

export interface SlackFile {
  id?: string;
  name?: string;
  title?: string;
  mimetype?: string;
  size?: number;
  permalink?: string;
}

/** A deleted message whose replies are still there. */
export function isTombstone(message: SlackMessage): boolean {
  return message.subtype === 'tombstone';
}

/** A reply that was also sent to the channel: it is in the channel's history as well as in its thread. */
export function isBroadcast(message: SlackMessage): boolean {
  return message.subtype === 'thread_broadcast';
}

export function hasReplies(message: SlackMessage): boolean {
  return (message.reply_count ?? 0) > 0 && !isBroadcast(message);
}
