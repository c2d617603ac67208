import { type Clock, EventSourceFactory, type Logger, MemoryCursorStore } from 'headwater';
import { type RestConfigInput, type RestCredentials, type RestEvent, RestSource } from 'headwater/sources/rest';
import { onTestFinished } from 'vitest';
import { RestApi } from '../../services/rest-api.js';

export async function startApi(): Promise<RestApi> {
  const api = await RestApi.start();
  onTestFinished(() => api.close());
  return api;
}

/** A host that keeps cursors and states: every read is by a new source, as in a new process. */
export class Host {
  readonly store = new MemoryCursorStore();
  readonly #factory: EventSourceFactory;
  readonly #config: RestConfigInput;
  readonly #more: object;

  constructor(
    api: RestApi,
    config: Partial<RestConfigInput> = {},
    more: { credentials?: RestCredentials; logger?: Logger; clock?: Clock } = {},
  ) {
    const sources = { rest: RestSource };
    this.#factory = new EventSourceFactory({ sources, cursorStore: this.store });
    this.#config = { url: `${api.url}/items`, allowHosts: ['127.0.0.1'], ...config };
    this.#more = more;
  }

  source(): Promise<RestSource> {
    return this.#factory.create('rest', {
      id: 'test',
      config: this.#config,
      ...this.#more,
    } as never) as unknown as Promise<RestSource>;
  }

  /** The events of one look, and what they are told as: `created 1`. */
  async read(): Promise<RestEvent[]> {
    const source = await this.source();
    try {
      const events: RestEvent[] = [];
      for await (const event of source.generateEvents()) events.push(event);
      return events;
    } finally {
      await source.close();
    }
  }

  async told(): Promise<string[]> {
    return (await this.read()).map(({ type, subject }) => `${type.split('.').at(-1)} ${subject}`);
  }
}
