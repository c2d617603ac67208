import { HeadwaterError } from '../../core/errors.js';
import type { Problem, ValidationResult } from '../../core/source-definition.js';
import { allChannels, isChannelId, unknownChannels } from './channels.js';
import type { Identity, SlackChannel, SlackClient } from './client.js';
import type { SlackConfig } from './config.js';
import { isWorkspace, wrongWorkspace } from './workspace.js';

/** What is wrong with the token, the scopes or the channels; nothing is joined. */
export async function inspect(
  client: SlackClient,
  config: SlackConfig,
  signal: AbortSignal,
): Promise<ValidationResult> {
  try {
    const problems = await findProblems(client, config);
    return { ok: problems.every(({ severity }) => severity !== 'error'), problems };
  } catch (error) {
    signal.throwIfAborted();
    if (!HeadwaterError.isInstance(error)) throw error;
    return { ok: false, problems: [asProblem(error)] };
  }
}

async function findProblems(client: SlackClient, config: SlackConfig): Promise<Problem[]> {
  const identity = await client.identify();
  if (!isWorkspace(config.workspace, identity)) return [...wrongWorkspace(config.workspace ?? '', identity).problems];
  const scopes = missingScopes(config, identity);
  // Without them everything else would be refused.
  return scopes.length > 0 ? scopes : channelProblems(client, config);
}

const OF_TYPE = { public_channel: 'channels', private_channel: 'groups', mpim: 'mpim', im: 'im' } as const;

function missingScopes({ channels, types, resolve, autoJoin }: SlackConfig, { scopes }: Identity): Problem[] {
  if (scopes === undefined) return [];
  const isListed = channels === 'joined' || channels.some((name) => !isChannelId(name));
  const needed = [
    // An id does not say what kind of channel it is of.
    ...(isListed ? types.flatMap((type) => [`${OF_TYPE[type]}:read`, `${OF_TYPE[type]}:history`]) : []),
    ...(resolve ? ['users:read'] : []),
  ];
  const missing = needed.filter((scope) => !scopes.includes(scope));
  // Bots and people join by scopes of different names.
  if (autoJoin && !scopes.includes('channels:join') && !scopes.includes('channels:write'))
    missing.push('channels:join');
  return missing.map((scope) => ({
    severity: 'error',
    code: 'SLACK_MISSING_SCOPE',
    message: `the token lacks the scope ${scope}`,
    fix: 'add it to the app under "OAuth & Permissions" and install the app again, or leave out what needs it ("types", "resolve", "autoJoin")',
  }));
}

async function channelProblems(client: SlackClient, config: SlackConfig): Promise<Problem[]> {
  const { channels, types, autoJoin } = config;
  const listed: SlackChannel[] = [];
  if (channels === 'joined' || channels.some((name) => !isChannelId(name))) {
    for await (const channel of allChannels(client, types)) listed.push(channel);
  }
  if (channels === 'joined') return listed.some(({ isMember }) => isMember) ? [] : [nothingJoined()];
  const problems: Problem[] = [];
  for (const name of channels) {
    const channel = isChannelId(name) ? await client.channel(name) : listed.find((other) => other.name === name);
    if (channel === undefined) problems.push(asProblem(unknownChannels([name], types)));
    else problems.push(...membershipProblems(channel, autoJoin));
  }
  return problems;
}

function membershipProblems({ name, isMember, isPrivate, isArchived }: SlackChannel, autoJoin: boolean): Problem[] {
  const problems: Problem[] = [];
  if (isArchived) {
    const message = `the channel "${name}" is archived: nothing new will come`;
    problems.push({ severity: 'warning', code: 'SLACK_ARCHIVED', message });
  }
  if (!isMember) problems.push(notMember(name, autoJoin && !isPrivate));
  return problems;
}

/** Some tokens read public channels that their owner is no member of; what is read says. */
function notMember(name: string, isJoined: boolean): Problem {
  return {
    severity: isJoined ? 'warning' : 'error',
    code: 'SLACK_NOT_IN_CHANNEL',
    message: `the token's owner is not a member of "${name}"`,
    fix: isJoined ? 'it is joined when it is read' : 'invite it: /invite @your-app in the channel; or set "autoJoin"',
  };
}

function nothingJoined(): Problem {
  return {
    severity: 'warning',
    code: 'SLACK_NOT_IN_CHANNEL',
    message: "the token's owner is a member of no channel: nothing will come",
    fix: 'invite it: /invite @your-app in each channel',
  };
}

function asProblem(error: HeadwaterError): Problem {
  return { severity: 'error', code: error.code, message: error.message };
}
