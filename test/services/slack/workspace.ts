import { type ChannelType, SlackChannel } from './channel.js';

export interface SlackUser {
  readonly id: string;
  name: string;
  realName: string;
  isBot: boolean;
  isDeleted: boolean;
}

export interface SlackToken {
  readonly token: string;
  /** 'bot' tokens see the channels they are members of, 'user' tokens every public channel besides. */
  readonly kind: 'bot' | 'user';
  readonly userId: string;
  scopes: string[];
  state: 'active' | 'token_revoked' | 'account_inactive' | 'token_expired' | 'invalid_auth';
}

/** Everything that the source may ask for. */
export const EVERY_SCOPE: readonly string[] = [
  'channels:history',
  'groups:history',
  'im:history',
  'mpim:history',
  'channels:read',
  'groups:read',
  'im:read',
  'mpim:read',
  'channels:join',
  'users:read',
];

/** One workspace: its channels, people and tokens. What happens in it is done through the channels. */
export class SlackWorkspace {
  readonly teamId: string;
  readonly channels = new Map<string, SlackChannel>();
  readonly users = new Map<string, SlackUser>();
  readonly tokens = new Map<string, SlackToken>();
  readonly #now: () => number;

  constructor(now: () => number, teamId = 'T000000001') {
    this.#now = now;
    this.teamId = teamId;
    this.user({ name: 'ann', realName: 'Ann Author' });
    this.user({ name: 'headwater', realName: 'Headwater', isBot: true });
  }

  /** Ids count up: U000000001 is Ann, U000000002 the bot. */
  user(fields: { name: string; realName?: string; isBot?: boolean }): SlackUser {
    const id = `U${String(this.users.size + 1).padStart(9, '0')}`;
    const { name, realName = name, isBot = false } = fields;
    const user = { id, name, realName, isBot, isDeleted: false };
    this.users.set(id, user);
    return user;
  }

  /** A channel that the bot and Ann are members of, unless `members` says otherwise. */
  channel(name: string, options: { type?: ChannelType; members?: readonly string[] } = {}): SlackChannel {
    const { type = 'public_channel', members = ['U000000001', 'U000000002'] } = options;
    const id = `${type === 'im' ? 'D' : 'C'}${String(this.channels.size + 1).padStart(9, '0')}`;
    const channel = new SlackChannel({ id, name, type, now: this.#now });
    for (const member of members) channel.members.add(member);
    this.channels.set(id, channel);
    return channel;
  }

  token(options: Partial<SlackToken> & { token: string }): SlackToken {
    const token: SlackToken = {
      kind: 'bot',
      userId: 'U000000002',
      scopes: [...EVERY_SCOPE],
      state: 'active',
      ...options,
    };
    this.tokens.set(token.token, token);
    return token;
  }
}
