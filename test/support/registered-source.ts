import { EventSource, parseConfig, type ReadContext, type SourceEvent, type SourceOptions } from 'headwater';
import { z } from 'zod';

const config = z.object({ last: z.number(), root: z.string().default('here') });

export type CountedEvent = SourceEvent<'count.number', { n: number }>;
export interface CountingCursor {
  n: number;
}
type Config = z.output<typeof config>;
type Options = SourceOptions<z.input<typeof config>, { token: string }, CountingCursor>;

/** A source as a host writes one: counts to `config.last`, remembering every number in its state. */
export class Counting extends EventSource<CountedEvent, CountingCursor, Config> {
  static readonly definition = {
    type: 'counting',
    config,
    cursor: { version: 1, schema: z.object({ n: z.number() }) },
    capabilities: { kind: 'pull', delivery: 'at-least-once', position: 'state', ids: 'stable', deletes: false },
    events: { 'count.number': { description: 'one more' } },
  } as const;

  static async create(options: Options): Promise<Counting> {
    return new Counting({ ...options, config: await parseConfig(config, options) });
  }

  readonly type = 'counting';
  readonly seenCredentials: unknown;
  readonly options: SourceOptions<Config, unknown, CountingCursor>;

  constructor(options: SourceOptions<Config, unknown, CountingCursor>) {
    super(options);
    this.options = options;
    this.seenCredentials = options.credentials;
  }

  override origin(): string {
    return this.config.root;
  }

  async validate() {
    return { ok: true, problems: [] };
  }

  protected async *read({ cursor, state, signal, follow }: ReadContext<CountingCursor>) {
    for (let n = (cursor?.n ?? 0) + 1; n <= this.config.last; n += 1) {
      state.set(`number ${n}`, n);
      yield this.event({ type: 'count.number', id: String(n), data: { n } }, { n });
    }
    if (follow) await this.clock.sleep(86_400_000, signal);
  }
}
