import { NotFoundError } from '../../core/errors.js';
import { paginate } from '../../toolkit/http/paginate.js';
import type { Page, SlackChannel, SlackClient } from './client.js';
import type { SlackConfig } from './config.js';

/** A channel to be read: `name` is what the configuration calls it, where that is a name. */
export interface ChosenChannel {
  id: string;
  name?: string | undefined;
  /** In milliseconds; 0 where it was not asked for. */
  createdAt: number;
}

/** C public or private, G private of old, D direct. Names are in lower case. https://docs.slack.dev/apis/web-api/using-the-conversations-api */
export function isChannelId(text: string): boolean {
  return /^[CDG][A-Z0-9]{6,}$/.test(text);
}

/**
 * The channels that were asked for, in that order. Names that are known already keep their ids, whatever the channel is
 * called today; the others are looked for in the list of all channels, once.
 *
 * @throws NotFoundError for names that no channel has
 */
export async function chooseChannels(
  client: SlackClient,
  { channels, types }: SlackConfig,
  known: ReadonlyMap<string, string>,
): Promise<ChosenChannel[]> {
  if (channels === 'joined') return joinedChannels(client, types);
  const names = channels.filter((name) => !isChannelId(name) && !known.has(name));
  const found = names.length === 0 ? new Map<string, SlackChannel>() : await findByName(client, types, names);
  const chosen = channels.map((name): ChosenChannel => {
    if (isChannelId(name)) return { id: name, createdAt: 0 };
    const channel = found.get(name);
    return { id: channel?.id ?? (known.get(name) as string), name, createdAt: channel?.createdAt ?? 0 };
  });
  return [...new Map(chosen.map((channel) => [channel.id, channel])).values()];
}

async function joinedChannels(client: SlackClient, types: readonly string[]): Promise<ChosenChannel[]> {
  const joined: ChosenChannel[] = [];
  for await (const { id, name, isMember, isArchived, createdAt } of allChannels(client, types)) {
    client.names.set(id, name);
    if (isMember && !isArchived) joined.push({ id, createdAt });
  }
  return joined;
}

async function findByName(
  client: SlackClient,
  types: readonly string[],
  names: readonly string[],
): Promise<Map<string, SlackChannel>> {
  const missing = new Set(names);
  const found = new Map<string, SlackChannel>();
  for await (const channel of allChannels(client, types)) {
    if (!missing.delete(channel.name)) continue;
    client.names.set(channel.id, channel.name);
    found.set(channel.name, channel);
    if (missing.size === 0) return found;
  }
  throw unknownChannels([...missing], types);
}

/** Every channel that the token can see, archived ones as well. */
export async function* allChannels(client: SlackClient, types: readonly string[]): AsyncGenerator<SlackChannel> {
  const pages = paginate<Page<SlackChannel>>({
    start: undefined,
    read: (cursor) => client.channels(types, cursor),
    next: { token: ({ next }) => next },
  });
  for await (const { page } of pages) yield* page.items;
}

export function unknownChannels(names: readonly string[], types: readonly string[]): NotFoundError {
  return new NotFoundError(
    `there is no channel ${names.map((name) => `"${name}"`).join(', ')} among the ${types.join(', ')} that the token ` +
      'can see: correct "channels" (names are in lower case), and invite the app to private channels',
    { code: 'SLACK_CHANNEL_NOT_FOUND' },
  );
}
