import { readFileSync } from 'node:fs';
import { parseConfig } from 'headwater';
import { parse, YAMLParseError } from 'yaml';
import * as z from 'zod';
import { type Environment, environmentTag, resolved } from './environment.js';

/** Neither is able to end a command, or to be taken for another parameter of it. */
const nick = z.string().regex(/^[A-Za-z[\]\\`_^{|}][A-Za-z0-9[\]\\`_^{|}-]{0,29}$/, 'no nick of IRC');
const channel = z.string().regex(/^[#&+!][^\s,:\p{Cc}]{1,49}$/u, 'no channel of IRC: "#operations"');

const irc = z.strictObject({
  host: z.string().default('127.0.0.1'),
  /** Default: 6667, with TLS 6697. */
  port: z.int().optional(),
  tls: z.boolean().default(false),
  nick: nick.default('headwater'),
  password: z
    .string()
    .regex(/^[^\s:]\S*$/)
    .optional(),
  channel,
  /** So many lines in so many milliseconds: a server throws out who says more. */
  pace: z.strictObject({ lines: z.int().min(1), perMs: z.int().min(0) }).default({ lines: 5, perMs: 10_000 }),
  /** What an event is cut to. */
  maxLines: z.int().min(1).default(3),
});

const source = z.strictObject({
  type: z.string(),
  id: z.string(),
  config: z.unknown(),
  /** A name of the section `credentials`. */
  credentials: z.union([z.strictObject({ ref: z.string() }), z.literal('anonymous')]).optional(),
  enabled: z.boolean().default(true),
});

const handler = z
  .strictObject({
    /** The type of events: `github.push`, `github/push`, `file.*`, `**`. */
    on: z.string().optional(),
    /** The kind of source: `webhook`. */
    kind: z.string().optional(),
    /** The id of one source. */
    source: z.string().optional(),
    /** What is said: `{data.pusher.name}` stands for what the event has there. */
    say: z.string().min(1),
  })
  .refine((given) => given.on ?? given.kind ?? given.source, { message: 'on, kind or source: which events it is for' });

const settings = z.strictObject({
  irc,
  /** Where the bot keeps how far it is. */
  state: z.string().default('.headwater/irc-bot'),
  credentials: z.record(z.string(), z.unknown()).default({}),
  sources: z.array(source).min(1),
  handlers: z.array(handler).min(1),
});

export type Settings = z.infer<typeof settings>;
export type IrcSettings = Settings['irc'];
export type SourceSettings = Settings['sources'][number];
export type HandlerSettings = Settings['handlers'][number];

/**
 * Reads the one file that says everything. Variables of the environment are looked up where they are needed: those of a
 * source when it is started.
 * @throws ConfigError with everything that is wrong
 */
export async function readSettings(path: string, environment: Environment = process.env): Promise<Settings> {
  const { irc: connection, ...rest } = parseYaml(path) as { irc?: unknown };
  return parseConfig(settings, { id: path, config: { ...rest, irc: resolved(connection, environment) } });
}

function parseYaml(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'), { customTags: [environmentTag] }) ?? {};
  } catch (error) {
    if (error instanceof YAMLParseError) error.message = `${path}: ${error.message}`;
    throw error;
  }
}
