import { RestSource } from 'headwater/sources/rest';
import type { SourceHarness, SourceWorld } from 'headwater/testing';
import { RestApi, send } from '../../services/rest-api.js';

const FLOOD = 20_000;
const TOKEN = 'planted-rest-token';

/** Nine items on three pages. */
class Items implements SourceWorld {
  readonly api: RestApi;
  readonly config: unknown;
  readonly credentials = { token: TOKEN };
  readonly events = 9;
  #next = 100;

  static async open(): Promise<Items> {
    return new Items(await RestApi.start());
  }

  private constructor(api: RestApi) {
    this.api = api;
    api.paging = 'link';
    api.authorization = () => `Bearer ${TOKEN}`;
    for (let id = 1; id <= this.events; id += 1) api.put({ id, name: `item ${id}` });
    this.config = {
      url: `${api.url}/items`,
      pagination: { by: 'link' },
      allowHosts: ['127.0.0.1'],
      pollIntervalMs: 1_000,
    };
  }

  more(count = 1): void {
    for (let made = 0; made < count; made += 1) {
      this.api.items.push({ id: this.#next, name: 'more' });
      this.#next += 1;
    }
  }

  close(): Promise<void> {
    return this.api.close();
  }
}

export const harness: SourceHarness<Items> = {
  source: RestSource,
  open: () => Items.open(),
  more: async (items) => items.more(),
  requests: ({ api }) => api.requests.length,
  fail: ({ api }, kind, after) => {
    if (kind === 'transient') api.fail(after, (response) => send(response, 503, {}));
    else api.failForGood(after, (response) => send(response, 403, {}));
  },
  hang: ({ api }) => api.hang(),
  connections: ({ api }) => api.connections,
  flood: async (items) => items.more(FLOOD),
  taken: ({ api }) => (api.requests.length * api.pageSize) / FLOOD,
  secrets: [TOKEN],
  patienceMs: 20_000,
  skip: [{ case: 'credentials that are not there are refused, each of them', reason: 'many an API asks for none' }],
};
