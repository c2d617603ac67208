import { createHash } from 'node:crypto';
import { changed, type Fields, reacted } from './events.js';
import type { KnownMessage } from './known-messages.js';
import type { SlackMessage, SlackReaction } from './message.js';

/** What is worth remembering of a message, so that later changes show. */
export function remembered(message: SlackMessage, before: KnownMessage | undefined): KnownMessage {
  const { reactions } = message;
  return {
    ...before,
    h: contentHash(message),
    ...(message.edited?.ts !== undefined && { e: message.edited.ts }),
    ...(reactions !== undefined && { r: reactions.map(({ name, users }) => [name, users] as const) }),
  };
}

/** What happened to a message since it was remembered, and what to remember now. */
export function differences(
  channel: string,
  message: SlackMessage,
  before: KnownMessage,
): { fields: Fields[]; after: KnownMessage } {
  const hash = contentHash(message);
  const edited = message.edited?.ts;
  const fields: Fields[] = [];
  const revision = (before.n ?? 0) + 1;
  if (hash !== before.h || edited !== before.e) {
    fields.push(changed(channel, message, versionOf(edited, before, revision)));
  }
  const { ts } = message;
  for (const { what, reaction, user } of reactionChanges(before.r ?? [], message.reactions ?? [])) {
    fields.push(reacted(what, { channel, ts, reaction, user }, revision));
  }
  if (fields.length === 0) return { fields, after: before };
  const { r: _, ...rest } = before;
  return { fields, after: { ...remembered(message, rest), n: revision } };
}

/** `edited.ts` has whole seconds: a second edit within one, and a change that Slack calls no edit, need more than that. */
function versionOf(edited: string | undefined, before: KnownMessage, revision: number): string {
  if (edited !== undefined && edited !== before.e) return edited;
  return edited === undefined ? `r${revision}` : `${edited}:r${revision}`;
}

/** Of what people see: not of counts, nor of the addresses of previews, which change by themselves. */
function contentHash({ text, blocks, attachments, files }: SlackMessage): string {
  const content = [text ?? '', blocks ?? [], attachments ?? [], (files ?? []).map(({ id }) => id)];
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 16);
}

interface ReactionChange {
  what: 'added' | 'removed';
  reaction: string;
  user: string;
}

/**
 * Slack may list fewer people than have reacted ("the users array may not always contain all users"): then nobody is said
 * to have taken a reaction back.
 *
 * @see https://docs.slack.dev/reference/methods/reactions.get
 */
function reactionChanges(before: NonNullable<KnownMessage['r']>, now: readonly SlackReaction[]): ReactionChange[] {
  const changes: ReactionChange[] = [];
  const known = new Map(before);
  for (const { name, users, count } of now) {
    const had = known.get(name) ?? [];
    known.delete(name);
    for (const user of users) if (!had.includes(user)) changes.push({ what: 'added', reaction: name, user });
    if (users.length < count) continue;
    for (const user of had) if (!users.includes(user)) changes.push({ what: 'removed', reaction: name, user });
  }
  for (const [reaction, users] of known) for (const user of users) changes.push({ what: 'removed', reaction, user });
  return changes;
}
