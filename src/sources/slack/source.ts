import { BatchEventSource } from '../../core/batch-event-source.js';
import { parseConfig, parseCredentials } from '../../core/config.js';
import { checkCredentials } from '../../core/credentials.js';
import type { ReadContext, SourceBatch } from '../../core/read-options.js';
import { Secret } from '../../core/secret.js';
import type { SourceOptions, ValidationResult } from '../../core/source-definition.js';
import { poll } from '../../toolkit/poll.js';
import { SlackClient } from './client.js';
import {
  type SlackConfig,
  type SlackConfigInput,
  type SlackCredentials,
  slackConfig,
  slackCredentials,
} from './config.js';
import { parseCursor, type SlackCursor, slackCursor } from './cursor.js';
import type { SlackEvent } from './events.js';
import { inspect } from './inspect.js';
import { Names } from './names.js';
import { Reader, type ReaderStep } from './reader.js';
import { isWorkspace, isWorkspaceId, wrongWorkspace } from './workspace.js';

/**
 * The messages of Slack channels, oldest first, with their threads; and, for as long as they are recent, what becomes of
 * them. Reads by the Web API of one workspace. Needs the package `@slack/web-api`, and a cursor store, which keeps what is
 * known of recent messages.
 *
 * @example
 * const factory = new EventSourceFactory({ sources: builtinSources, cursorStore: new FileCursorStore('.cursors') });
 * const source = await factory.create('slack', {
 *   id: 'team-chat',
 *   credentials: { token: process.env.SLACK_TOKEN },
 *   config: { channels: ['general', 'incidents'], since: '2026-01-01' },
 * });
 * for await (const event of source.generateEvents()) {
 *   if (event.type === 'slack.message') console.log(event.time, event.data.user, event.data.text);
 * }
 */
export class SlackSource extends BatchEventSource<SlackEvent, SlackCursor, SlackConfig> {
  static readonly definition = {
    type: 'slack',
    config: slackConfig,
    credentials: slackCredentials,
    cursor: { version: 1, schema: slackCursor },
    capabilities: {
      kind: 'pull',
      delivery: 'at-least-once',
      position: 'state',
      ids: 'stable',
      deletes: true,
      notes: [
        'threads: windowed. A reply to a message older than `threads.windowDays` is not found, unless it was also sent to the channel.',
        'Edits, deletions and reactions are found with `reread` only, within its window, and only of messages in the channel itself: not of replies.',
        'A message that changes several times between two looks gives one event.',
        'What a plan or a retention policy hides before it was read is not told from what never was.',
      ],
    },
    events: {
      'slack.message': { description: 'A message was posted, in a channel or as a reply (`threadTs`).' },
      'slack.message.changed': { description: 'A message says something else than it did. Needs `reread`.' },
      'slack.message.deleted': { description: 'A message is gone. Needs `reread`.' },
      'slack.reaction.added': { description: 'Somebody reacted to a message. Needs `reread`.' },
      'slack.reaction.removed': { description: 'Somebody took a reaction back. Needs `reread`.' },
      'slack.channel.joined': { description: 'Somebody joined a channel.' },
      'slack.channel.left': { description: 'Somebody left a channel.' },
      'slack.channel.renamed': { description: 'A channel has another name; its id is the same.' },
    },
  } as const;

  /** @throws ConfigError with everything that is wrong with configuration or credentials; Slack is not asked. */
  static async create(options: SourceOptions<SlackConfigInput, SlackCredentials, SlackCursor>): Promise<SlackSource> {
    const config = await parseConfig(slackConfig, options);
    return new SlackSource({ ...options, config }, await readToken(options));
  }

  readonly type = 'slack';
  readonly #token: Secret;
  readonly #dispatcher: object | undefined;

  private constructor(options: SourceOptions<SlackConfig, SlackCredentials, SlackCursor>, token: Secret) {
    super(options as SourceOptions<SlackConfig, unknown, SlackCursor>);
    this.#token = token;
    this.#dispatcher = options.dispatcher;
  }

  /** The workspace of the token. Slack is asked for it, unless `workspace` is its id. */
  override async origin(): Promise<string> {
    const { workspace } = this.config;
    if (workspace !== undefined && isWorkspaceId(workspace)) return `slack:${workspace}`;
    return this.#withClient(new AbortController().signal, async (client) => `slack:${await this.#team(client)}`);
  }

  /** Finds out whether the token is valid, has the scopes, and sees the channels. */
  async validate(options: { signal?: AbortSignal | undefined } = {}): Promise<ValidationResult> {
    const signal = options.signal ?? new AbortController().signal;
    return this.#withClient(signal, (client) => inspect(client, this.config, signal));
  }

  protected async *readBatches(
    context: ReadContext<SlackCursor>,
  ): AsyncGenerator<SourceBatch<SlackEvent, SlackCursor>, void, undefined> {
    const { config, clock, logger } = this;
    const saved = parseCursor(context.cursor, this.id);
    const client = await this.#open(context.signal);
    context.defer(() => client.close());
    const team = saved !== undefined && config.workspace === undefined ? saved.team : await this.#team(client);
    const cursor = saved ?? { team, channels: {} };
    const onWork = (): void => this.setStatus({ state: 'reading' });
    const reader = new Reader({ client, config, context, cursor, clock, logger, onWork });
    await reader.load();
    const names = config.resolve ? new Names(client) : undefined;
    const onCaughtUp = (): void => this.setStatus({ state: 'caught-up' });
    const options = { clock, signal: context.signal, follow: context.follow, intervalMs: config.pollIntervalMs };
    for await (const step of poll(() => reader.round(), { ...options, onCaughtUp })) {
      for (const fields of step.fields) await names?.addTo(fields);
      yield this.#batch(step, team);
    }
  }

  #batch({ channel, fields, cursor, cursorAt }: ReaderStep, team: string): SourceBatch<SlackEvent, SlackCursor> {
    const source = `slack://channel?team=${team}&id=${channel}`;
    const events = fields.map((each) => {
      each.source = source;
      return this.event(each as never) as SlackEvent;
    });
    return cursorAt === undefined ? { events, cursor } : { events, cursor, cursorAt };
  }

  /** @throws ConfigError when the token belongs to another workspace than was asked for */
  async #team(client: SlackClient): Promise<string> {
    const identity = await client.identify();
    const { workspace } = this.config;
    if (!isWorkspace(workspace, identity)) throw wrongWorkspace(workspace ?? '', identity);
    return identity.teamId;
  }

  async #withClient<Result>(signal: AbortSignal, use: (client: SlackClient) => Promise<Result>): Promise<Result> {
    const client = await this.#open(signal);
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  }

  #open(signal: AbortSignal): Promise<SlackClient> {
    return SlackClient.open({
      apiUrl: this.config.apiUrl,
      token: this.#token,
      signal,
      clock: this.clock,
      dispatcher: this.#dispatcher,
      count: (counter, by) => this.count(counter, by),
      onStatus: (status) => this.setStatus(status),
    });
  }
}

async function readToken(options: { id: string; credentials?: unknown }): Promise<Secret> {
  checkCredentials(options.id, options.credentials);
  const { token } = await parseCredentials(slackCredentials, options);
  return new Secret(token);
}
