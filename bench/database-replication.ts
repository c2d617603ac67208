import { LogicalReplicationService, PgoutputPlugin } from 'pg-logical-replication';
import { hasPostgres, PostgresServer } from '../test/services/postgres.js';
import { databaseSource } from './built.js';
import { type Bench, compared, paired } from './measure.js';

const ROWS = 200_000;
const IN_TRANSACTION = 100;
const BASE = 'base';

/** Inserts of a table as events, beside a client that takes the messages apart and does nothing with them: CPU of the client. */
export const databaseReplication: Bench = {
  name: 'database-replication',
  async *rows() {
    if (!hasPostgres()) return yield { bench: 'database-replication', information: 'not run: PostgreSQL is missing' };
    const server = await PostgresServer.start({ settings: { shared_buffers: '128MB', max_replication_slots: '100' } });
    try {
      await fill(server);
      const row = `${ROWS} inserts in commits of ${IN_TRANSACTION}, to events`;
      const bench = 'database-replication';
      yield await paired({ bench, row, goal: 1.5, ours: () => ours(server), rival: () => rival(server, false) });
      yield await compared({
        bench,
        row: 'the same beside pg-logical-replication as it comes, which answers every message',
        ours: () => ours(server),
        rival: () => rival(server, true),
        pairs: 5,
      });
    } finally {
      await server.dispose();
    }
  },
};

async function fill(server: PostgresServer): Promise<void> {
  await server.run(
    `create table orders (id bigint primary key, customer int, status text, total numeric(10, 2), note text, created timestamptz)`,
    `create publication orders for table orders`,
    `select pg_create_logical_replication_slot('${BASE}', 'pgoutput')`,
    `do $$ begin for n in 0 .. ${ROWS / IN_TRANSACTION - 1} loop
       insert into orders select n * ${IN_TRANSACTION} + k, k, 'paid', k * 1.25, repeat('note ', 8), now() from generate_series(1, ${IN_TRANSACTION}) k;
       commit; end loop; end $$`,
  );
}

let slots = 0;

/** A slot at the same place each time. */
async function slotOf(server: PostgresServer): Promise<string> {
  slots += 1;
  const slot = `copy_${slots}`;
  await server.run(`select pg_copy_logical_replication_slot('${BASE}', '${slot}')`);
  return slot;
}

async function ours(server: PostgresServer): Promise<void> {
  const { DatabaseSource } = await databaseSource();
  const slot = await slotOf(server);
  const source = await DatabaseSource.create({
    id: 'bench',
    credentials: { user: 'postgres' },
    config: {
      mode: 'replication',
      database: server.url,
      tables: ['orders'],
      slot,
      publication: 'orders',
      snapshot: 'never',
    },
  });
  let events = 0;
  for await (const _ of source.generateEvents()) events += 1;
  if (events !== ROWS) throw new Error(`${events} events`);
  await source.close();
}

async function rival(server: PostgresServer, auto: boolean): Promise<void> {
  const slot = await slotOf(server);
  const options = { host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres' };
  const service = new LogicalReplicationService(options, { acknowledge: { auto, timeoutSeconds: 10 } });
  let inserts = 0;
  const all = new Promise<void>((resolve, reject) => {
    service.on('data', (_, message: { tag: string }) => {
      if (message.tag !== 'insert') return;
      inserts += 1;
      if (inserts === ROWS) resolve();
    });
    service.on('error', reject);
  });
  const plugin = new PgoutputPlugin({ protoVersion: 1, publicationNames: ['orders'] });
  const subscribed = service.subscribe(plugin, slot);
  subscribed.catch(() => {});
  await all;
  await service.stop();
}
