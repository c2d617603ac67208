import type { SlackEvent } from '../../src/sources/slack/index.js';
import { formatTs } from '../services/slack/timestamp.js';
import type { Judge } from './judge.js';
import type { Stored } from './log-judge.js';
import { Services } from './services.js';
import { slackReaders } from './slack-scenarios.js';
import { MovingWorkspace } from './slack-workspace.js';

export const slackServices = new Services(() => MovingWorkspace.start());

/** What a reader of the events holds for a message. */
interface Held {
  text: string | undefined;
  /** Who reacted: 'tada U000000001'. */
  reactions: Set<string>;
}

/**
 * Whoever goes through the stored events, the last word counting, knows the workspace as it is. What was stored at a kill
 * and not yet covered by the cursor is looked at anew: if it is undone by then, nothing says so, and it is a leftover.
 */
export function judgeSlack(stored: Stored, name: keyof typeof slackReaders): Judge {
  return async (directory, atRisk) => {
    const workspace = slackServices.of(directory);
    workspace.rest();
    // What happened while the last run went on is for the next.
    await slackReaders[name](directory);
    const events = (await stored(directory)).map((line) => JSON.parse(line) as SlackEvent);
    assertSaid(events, workspace);
    const distinct = new Set(events.map(({ source, id }) => `${source} ${id}`));
    const repeats = events.length - distinct.size;
    if (repeats > atRisk) throw new Error(`${repeats} repeats where at most ${atRisk} were on their way`);
    const leftovers = compare(replay(events), workspace);
    if (leftovers.length > atRisk) throw new Error(`never told that they are gone: ${leftovers.join(', ')}`);
    const [violation] = workspace.server.violations;
    if (violation !== undefined) throw new Error(`asked for what is not documented: ${violation}`);
    return { events: distinct.size, repeats };
  };
}

/** Nothing is made up, and the same comes with the same id. */
function assertSaid(events: readonly SlackEvent[], { everything }: MovingWorkspace): void {
  const ids = new Map<string, string>();
  for (const event of events) {
    const words = said(event);
    if (!everything.has(words)) throw new Error(`never sent: ${words}`);
    const what = `${event.type} ${words}`;
    const id = ids.get(what) ?? event.id;
    if (id !== event.id) throw new Error(`${what} came as ${id} and as ${event.id}`);
    ids.set(what, id);
  }
}

/** What an event says, in few words. */
function said(event: SlackEvent): string {
  if (event.type === 'headwater.gap') return event.type;
  const of = `${event.data.channel}:${event.data.ts}`;
  switch (event.type) {
    case 'slack.message':
    case 'slack.message.changed':
      return `${of} says ${event.data.text}`;
    case 'slack.message.deleted':
      return `${of} deleted`;
    case 'slack.reaction.added':
      return `${of} added ${event.data.reaction} ${event.data.user}`;
    case 'slack.reaction.removed':
      return `${of} removed ${event.data.reaction} ${event.data.user}`;
    case 'slack.channel.joined':
      return `${of} joined`;
    default:
      return `${of} ${event.type}`;
  }
}

function replay(events: readonly SlackEvent[]): Map<string, Held> {
  const messages = new Map<string, Held>();
  for (const event of events) {
    if (event.type === 'headwater.gap') continue;
    const key = `${event.data.channel}:${event.data.ts}`;
    const held = messages.get(key) ?? { text: undefined, reactions: new Set() };
    messages.set(key, held);
    if (event.type === 'slack.message')
      messages.set(key, { text: event.data.text, reactions: reactionsOf(event.data) });
    if (event.type === 'slack.message.changed') held.text = event.data.text;
    if (event.type === 'slack.message.deleted') messages.delete(key);
    if (event.type === 'slack.reaction.added') held.reactions.add(`${event.data.reaction} ${event.data.user}`);
    if (event.type === 'slack.reaction.removed') held.reactions.delete(`${event.data.reaction} ${event.data.user}`);
  }
  return messages;
}

/** @returns what is held and is not there any more. @throws when something that is there is not held */
function compare(held: Map<string, Held>, { server }: MovingWorkspace): string[] {
  const leftovers = new Set(held.keys());
  for (const channel of server.workspace.channels.values()) {
    for (const message of channel.all()) {
      if (message.subtype === 'tombstone') continue;
      const key = `${channel.id}:${formatTs(message.at)}`;
      const known = held.get(key);
      if (known === undefined) throw new Error(`lost: ${key} (${message.text})`);
      leftovers.delete(key);
      if (message.subtype !== 'channel_join' && known.text !== message.text) {
        throw new Error(`lost: ${key} says "${message.text}", and was left at "${known.text}"`);
      }
      const present = reactionsOf(message);
      for (const reaction of present)
        if (!known.reactions.has(reaction)) throw new Error(`lost: ${reaction} on ${key}`);
      for (const reaction of known.reactions) if (!present.has(reaction)) leftovers.add(`${reaction} on ${key}`);
    }
  }
  return [...leftovers];
}

function reactionsOf(message: {
  reactions?: readonly { name: string; users: readonly string[] }[] | undefined;
}): Set<string> {
  return new Set((message.reactions ?? []).flatMap(({ name, users }) => users.map((user) => `${name} ${user}`)));
}
