import { join } from 'node:path';
import {
  type EventMask,
  EventRouter,
  EventSourceFactory,
  FileCursorStore,
  HeadwaterError,
  type Logger,
  SkippableError,
  type SourceEvent,
} from 'headwater';
import { SourceManager } from 'headwater/manager';
import { JsonlDeadLetterStore } from 'headwater/sinks/jsonl';
import { builtinSources } from 'headwater/sources';
import { type Environment, resolved } from './environment.js';
import { IrcClient } from './irc-client.js';
import type { Settings, SourceSettings } from './settings.js';
import { fillIn } from './template.js';

export interface BotOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly environment?: Environment | undefined;
}

/** A bot that reacts to everything around it: all sources into handlers, and what they say into one channel. */
export class Bot {
  /** Starts, stops, enables, disables each source, and knows how it does. */
  readonly sources: SourceManager;
  readonly irc: IrcClient;
  readonly #router = new EventRouter();
  readonly #factory: EventSourceFactory<typeof builtinSources>;
  readonly #deadLetters: JsonlDeadLetterStore;
  readonly #logger: Logger;

  constructor({ settings, logger, environment = process.env }: BotOptions) {
    this.#logger = logger;
    this.#factory = new EventSourceFactory({
      sources: builtinSources,
      credentials: { resolve: async (name) => resolved(settings.credentials[name], environment) },
      logger,
    });
    this.irc = new IrcClient(settings.irc, logger, { onRequest: (line) => void this.#reply(line) });
    this.#deadLetters = new JsonlDeadLetterStore(join(settings.state, 'dead-letters.jsonl'));
    this.sources = new SourceManager({
      sink: this.#router,
      cursorStore: new FileCursorStore(join(settings.state, 'cursors')),
      // What cannot be said now is said later; what a handler cannot understand is put aside, however much it is.
      retry: { retries: Number.POSITIVE_INFINITY, minDelayMs: 500, maxDelayMs: 30_000 },
      deadLetters: this.#deadLetters,
      maxDeadLetterRatio: 1,
      batch: { maxEvents: 20 },
      stopGraceMs: 3_000,
      logger,
      onStatus: ({ id, state, error }) => {
        if (state === 'failed' || state === 'waiting') logger.warn({ id, error }, `the source is ${state}`);
      },
    });
    for (const spec of settings.sources) this.#add(spec);
    for (const { on: type, kind: sourcetype, source: sourceid, say } of settings.handlers)
      this.on({ type, sourcetype, sourceid }, (event) => this.irc.say(fillIn(say, event)));
  }

  /** Binds a handler to events by type, kind or source. One that throws hinders none of the others. */
  on(mask: string | EventMask, handle: (event: SourceEvent) => void | Promise<void>): () => void {
    return this.#router.on(mask, async (event) => {
      try {
        await handle(event);
      } catch (error) {
        if (HeadwaterError.isInstance(error)) throw error;
        this.#logger.error({ error, type: event.type, id: event.id }, 'a handler failed');
        throw new SkippableError(`a handler of ${event.type} failed`, { code: 'HANDLER_FAILED', cause: error });
      }
    });
  }

  async start(): Promise<void> {
    this.irc.start();
    await this.sources.start();
  }

  /** Takes in nothing more, says what is being said, and leaves the channel. */
  async close(): Promise<void> {
    await this.sources.stop();
    await this.irc.close();
    await this.#deadLetters.close();
  }

  #add(spec: SourceSettings): void {
    const { id, enabled } = spec;
    this.sources.add({ id, enabled, create: () => this.#factory.createFromSpec(spec) });
  }

  /** `!status` in the channel. Whoever is there may ask; nobody can command. */
  async #reply(line: string): Promise<void> {
    if (line.trim() !== '!status') return;
    try {
      for (const { id, state, report, error } of this.sources.status()) {
        const reason = error === undefined || state === 'running' ? '' : `: ${error.message}`;
        await this.irc.say(`${id}: ${state}, ${report?.written ?? 0} events${reason}`);
      }
    } catch (error) {
      this.#logger.warn({ error }, 'the status could not be said');
    }
  }
}
