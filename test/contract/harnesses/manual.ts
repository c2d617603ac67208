import { ManualSource } from 'headwater/sources/manual';
import type { SourceHarness, SourceWorld } from 'headwater/testing';
import * as z from 'zod';

const FLOOD = 100_000;

const events = {
  'note.added': z.object({ text: z.string(), number: z.number() }),
  'note.removed': z.object({ number: z.number() }),
};

type Notes = ManualSource<typeof events>;

/** A host that pushes what it has into the source that was made for it, and again what was not acknowledged. */
class Host implements SourceWorld {
  readonly config = { events, maxEvents: 500, whenFull: 'wait', maxWaiting: 400 } as const;
  readonly events = 6;
  #source: Notes | undefined;
  #waiting = Array.from({ length: 6 }, (_, number) => number);
  #count = 6;

  uses(source: Notes): void {
    this.#source = source;
  }

  flood(): void {
    this.#count = FLOOD;
    this.#waiting = Array.from({ length: FLOOD }, (_, number) => number);
  }

  deliver(): void {
    for (const number of [...this.#waiting]) {
      const text = `${number} `.padEnd(200, 'x');
      const pushing =
        number % 3 === 2
          ? this.#source?.push({ type: 'note.removed', data: { number } })
          : this.#source?.push({ type: 'note.added', id: `note-${number}`, data: { text, number } });
      pushing?.then(
        () => {
          this.#waiting = this.#waiting.filter((other) => other !== number);
        },
        () => {},
      );
    }
  }

  /** Everything that is let in counts, acknowledged or not. */
  taken(source: Notes): number {
    return Math.min(1, (source.getStats().events + this.config.maxEvents + this.config.maxWaiting) / this.#count);
  }
}

const hosts = new WeakMap<object, Host>();

const TYPES = {
  'note.added': { description: 'A note was written.' },
  'note.removed': { description: 'A note was thrown away.' },
};

/** As the class, with the types of this host, which gets to know the sources that are made for it. */
const source = {
  definition: { ...ManualSource.definition, events: TYPES },
  async create(options: Parameters<typeof ManualSource.create<typeof events>>[0]): Promise<Notes> {
    const made = await ManualSource.create(options);
    hosts.get(options.config)?.uses(made);
    return made;
  },
};

const ASKS_NOTHING = 'the source asks for nothing: the host pushes';
const NO_SECRETS = 'the source has no credentials, and what it is given is the host’s own';

export const harness: SourceHarness<Host> = {
  source,
  open: async () => {
    const host = new Host();
    hosts.set(host.config, host);
    return host;
  },
  deliver: async (host) => host.deliver(),
  flood: async (host) => host.flood(),
  taken: (host, made) => host.taken(made as Notes),
  skip: [
    { case: 'an abort ends a request that is never answered', reason: ASKS_NOTHING },
    { case: 'an abort ends a back-off', reason: ASKS_NOTHING },
    { case: 'a failure that passes costs no event, at whatever request', reason: ASKS_NOTHING },
    {
      case: 'a failure that does not pass ends the run with a FatalError, and is not tried again and again',
      reason: ASKS_NOTHING,
    },
    { case: 'validate() refuses what cannot be read, and says why', reason: ASKS_NOTHING },
    { case: 'an abort ends validate()', reason: ASKS_NOTHING },
    { case: 'no secret is in an event, a cursor, a log line or what a source prints as', reason: NO_SECRETS },
    {
      case: 'no secret is in an error, its causes, or what is logged and told when upstream fails',
      reason: NO_SECRETS,
    },
    { case: 'no secret is in the error that refuses a configuration or credentials', reason: NO_SECRETS },
  ],
};
