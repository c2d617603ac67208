import type { SourceEvent, SourceOptions } from 'headwater';
import { afterAll, afterEach, beforeAll } from 'vitest';
import {
  type DatabaseConfigInput,
  type DatabaseCursor,
  type DatabaseEvent,
  DatabaseSource,
} from '../../../../src/sources/database/index.js';
import { PostgresServer, type ServerOptions } from '../../../services/postgres.js';

export type ReplicationInput = Omit<
  Extract<DatabaseConfigInput, { mode: 'replication' }>,
  'mode' | 'database' | 'publication'
>;
export type ReplicationCursor = Extract<DatabaseCursor, { mode: 'replication' }>;

/** A server for the tests of a file, stopped after them. */
export function useServer(options: ServerOptions = {}): () => PostgresServer {
  let server: PostgresServer | undefined;
  beforeAll(async () => {
    server = await PostgresServer.start(options);
  }, 60_000);
  afterAll(async () => server?.dispose(), 60_000);
  return () => {
    if (server === undefined) throw new Error('the server does not run');
    return server;
  };
}

let count = 0;

/** A name that no other test of the file uses. */
export function uniqueName(): string {
  count += 1;
  return `t${count}`;
}

const opened: DatabaseSource[] = [];
afterEach(async () => {
  for (const source of opened.splice(0)) await source.close();
});

/** A source of a slot and publication called as the first table. */
export async function replicate(
  server: PostgresServer,
  config: Partial<ReplicationInput> & Pick<ReplicationInput, 'tables'>,
  options: Omit<Partial<SourceOptions<unknown, never, DatabaseCursor>>, 'config'> = {},
): Promise<DatabaseSource> {
  const [first = ''] = config.tables;
  const name = typeof first === 'string' ? first : first.table;
  const source = await DatabaseSource.create({
    id: name,
    credentials: { user: 'postgres' },
    ...options,
    config: {
      mode: 'replication',
      database: server.url,
      slot: name,
      publication: name,
      create: true,
      confirmDelayMs: 0,
      ...config,
    },
  });
  opened.push(source);
  return source;
}

/** What there is now. */
export async function readAll(source: DatabaseSource): Promise<DatabaseEvent[]> {
  const events: DatabaseEvent[] = [];
  for await (const event of source.generateEvents()) events.push(event);
  return events;
}

/** `inserted {"id":1}`: what each event says, without positions and times. */
export function brief(event: DatabaseEvent): string {
  const { table: _, ...data } = event.data as Record<string, unknown> & { table?: string };
  return `${event.type.split('.').at(-1)} ${JSON.stringify('row' in data ? { ...data, key: undefined } : data)}`;
}

/** What a consumer that follows the events knows of a table; an event that cannot be is thrown. */
export class Replica {
  readonly rows = new Map<string, Record<string, unknown>>();
  readonly ids = new Set<string>();

  take(event: SourceEvent | DatabaseEvent): void {
    const { type, id } = event;
    if (this.ids.has(id)) throw new Error(`${id} came twice`);
    this.ids.add(id);
    const data = event.data as { key: object; row: Record<string, unknown>; previousKey?: object };
    const key = JSON.stringify(data.key);
    if (type === 'db.table.truncated') this.rows.clear();
    else if (type === 'db.row.deleted') this.#remove(key, id);
    else if (type === 'db.row.inserted') this.#add(key, data.row, id);
    else if (type === 'db.row.updated') {
      this.#remove(data.previousKey === undefined ? key : JSON.stringify(data.previousKey), id);
      this.#add(key, data.row, id);
    } else throw new Error(type);
  }

  #remove(key: string, id: string): void {
    if (!this.rows.delete(key)) throw new Error(`${id}: ${key} is not there`);
  }

  #add(key: string, row: Record<string, unknown>, id: string): void {
    if (this.rows.has(key)) throw new Error(`${id}: ${key} is there already`);
    this.rows.set(key, row);
  }
}

/** Waits until something is so. */
export async function until(isSo: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const late = performance.now() + 60_000;
  while (!(await isSo())) {
    if (performance.now() > late) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function slotOf(server: PostgresServer, name: string): Promise<Record<string, unknown> | undefined> {
  const [slot] = await server.run(
    `select active, wal_status, confirmed_flush_lsn::text as confirmed from pg_replication_slots where slot_name = '${name}'`,
  );
  return slot;
}
