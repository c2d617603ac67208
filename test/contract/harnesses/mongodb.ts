import { MongodbSource } from 'headwater/sources/mongodb';
import type { SourceHarness, SourceWorld } from 'headwater/testing';
import { MongodbChangesServer } from '../../services/mongodb-changes.js';

const FLOOD = 5_000;
const PAGE = 4;
const PASSWORD = 'planted-mongodb-password';

/** Documents that are there, and changes after them. */
class Orders implements SourceWorld {
  readonly events = 9;
  readonly config: unknown;
  readonly credentials: unknown;
  readonly server: MongodbChangesServer;
  #next = 100;

  static async open(): Promise<Orders> {
    return new Orders(await MongodbChangesServer.start());
  }

  private constructor(server: MongodbChangesServer) {
    this.server = server;
    this.credentials = { url: server.urlWith(PASSWORD) };
    this.config = {
      mode: 'changes',
      database: 'shop',
      collection: 'orders',
      snapshot: 'initial',
      pageSize: PAGE,
      maxAwaitTimeMs: 50,
      maxTimeMs: 1_000,
    };
    for (let id = 0; id < this.events; id += 1) server.insert(id, { what: `order ${id}` });
  }

  more(count = 1): void {
    for (let made = 0; made < count; made += 1) {
      this.server.insert(this.#next, { what: 'more' });
      this.#next += 1;
    }
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

export const harness: SourceHarness<Orders> = {
  source: MongodbSource,
  open: () => Orders.open(),
  more: async (orders) => orders.more(),
  requests: ({ server }) => server.commands.length,
  fail: ({ server }, kind, after) =>
    server.fail(
      kind === 'transient'
        ? { after, cut: true }
        : { after, isForGood: true, error: { code: 13, errmsg: 'not authorized on shop' } },
    ),
  hang: ({ server }) => server.fail({ hangs: true, isForGood: true }),
  connections: ({ server }) => server.connections,
  flood: async (orders) => orders.more(FLOOD),
  taken: ({ server }) => (server.count('find') * PAGE) / FLOOD,
  secrets: [PASSWORD],
  patienceMs: 20_000,
};
