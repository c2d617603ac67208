import * as z from 'zod';

const channel = z
  .string()
  .regex(/^#?[^\s#,]{1,80}$/, 'expected the name of a channel (general) or its id (C0123456789)')
  .transform((name) => name.replace(/^#/, ''));

const instant = z
  .union([z.date(), z.iso.datetime({ offset: true }), z.iso.date()], {
    error: 'expected a Date, or text such as 2026-01-31 or 2026-01-31T12:00:00Z',
  })
  .transform((value) => new Date(value));

const days = z.number().positive().max(3_650);
const DEFAULT_WINDOW_DAYS = 7;

const apiUrl = z.url({ protocol: /^https?$/ }).refine((value) => {
  const { username, password, search, hash } = new URL(value);
  return [username, password, search, hash].every((part) => part === '');
}, 'must not hold user info, a query or a fragment');

/** What `SlackSource.create` takes as `config`. */
export const slackConfig = z.strictObject({
  /**
   * Names (`general`) or ids (`C0123456789`) of channels, public or private; or 'joined': every channel that the token's
   * owner is a member of, found anew at each run. Default 'joined'.
   */
  channels: z.union([z.literal('joined'), z.array(channel).min(1)]).default('joined'),
  /** Which kinds of conversations names and 'joined' are looked for in. Each needs a scope of its own. */
  types: z
    .array(z.enum(['public_channel', 'private_channel', 'mpim', 'im']))
    .min(1)
    .default(['public_channel', 'private_channel']),
  /**
   * The workspace that the token must belong to: its id (`T0123456789`) or its subdomain. With the id a factory need not
   * ask Slack when it creates the source. Default: whichever it is.
   */
  workspace: z.string().min(1).optional(),
  /** Leaves out messages that are earlier, and the threads that began earlier. */
  since: instant.optional(),
  /**
   * Replies in threads. Those that are there when a message is read come with it; later ones are found for as long as the
   * message is no older than the window. false: none but those also sent to the channel.
   */
  threads: z
    .union([z.literal(false), z.strictObject({ windowDays: days.default(DEFAULT_WINDOW_DAYS) })])
    .default({ windowDays: DEFAULT_WINDOW_DAYS }),
  /**
   * Reads messages again for as long as they are no older than the window, and no more than `maxMessages` of a channel:
   * what was edited, deleted or reacted to. Default false.
   */
  reread: z
    .union([
      z.literal(false),
      z.strictObject({
        windowDays: days.default(1),
        /** Most messages of one channel that are read again and remembered. */
        maxMessages: z.int().positive().default(10_000),
      }),
    ])
    .default(false),
  /** Join public channels that are named and that the token's owner is no member of. Needs channels:join. */
  autoJoin: z.boolean().default(false),
  /** Add the names of people and channels to events. Needs users:read. */
  resolve: z.boolean().default(false),
  /** Messages asked for at once. Slack recommends no more than 200, and may give fewer. */
  pageSize: z.int().min(1).max(999).default(200),
  /** With `follow`: how often new messages are asked for, in milliseconds. */
  pollIntervalMs: z.int().positive().default(60_000),
  /** With `follow`: how often the windows of `threads` and `reread` are read again, in milliseconds. */
  rescanIntervalMs: z.int().positive().default(600_000),
  /** Where the Web API is. For proxies and tests. */
  apiUrl: apiUrl.default('https://slack.com/api/'),
});

/** What `SlackSource.create` takes as `credentials`. */
export const slackCredentials = z.strictObject({
  /** A bot token (`xoxb-…`) or a user token (`xoxp-…`). */
  token: z
    .string()
    .min(1)
    .regex(/^[\x21-\x7e]+$/, 'must be one word of ASCII characters'),
});

export type SlackConfig = z.output<typeof slackConfig>;
export type SlackConfigInput = z.input<typeof slackConfig>;
export type SlackCredentials = z.input<typeof slackCredentials>;
