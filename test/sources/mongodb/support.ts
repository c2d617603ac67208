import type { SourceEvent, SourceOptions } from 'headwater';
import {
  type MongodbConfigInput,
  type MongodbCredentials,
  type MongodbCursor,
  type MongodbEvent,
  MongodbSource,
} from 'headwater/sources/mongodb';
import { onTestFinished } from 'vitest';
import { MongodbChangesServer } from '../../services/mongodb-changes.js';

type Options = SourceOptions<MongodbConfigInput, MongodbCredentials, MongodbCursor>;
type Changes = Partial<Omit<Options, 'config'>>;
type ChangesConfig = Partial<Extract<MongodbConfigInput, { mode: 'changes' }>>;

/** A source, closed when the test is over. */
export async function createSource(config: MongodbConfigInput, changes: Changes = {}): Promise<MongodbSource> {
  const source = await MongodbSource.create({ id: 'test', config, ...changes });
  onTestFinished(() => source.close());
  return source;
}

/** A source of mode changes about `shop.orders`. */
export function changesSource(
  server: MongodbChangesServer,
  config: ChangesConfig = {},
  changes: Changes = {},
): Promise<MongodbSource> {
  const own = { client: server.url, database: 'shop', collection: 'orders', maxAwaitTimeMs: 20 };
  return createSource({ mode: 'changes', ...own, ...config }, changes);
}

export async function startServer(): Promise<MongodbChangesServer> {
  const server = await MongodbChangesServer.start();
  onTestFinished(() => server.close());
  return server;
}

export async function readAll(source: MongodbSource): Promise<MongodbEvent[]> {
  const events: MongodbEvent[] = [];
  for await (const event of source.generateEvents()) events.push(event);
  return events;
}

/** What they are about, and what became of it. */
export function told(events: readonly SourceEvent[]): string[] {
  return events.map(({ type, subject, data }) =>
    type === 'headwater.gap' ? `gap ${(data as { reason: string }).reason}` : `${type.split('.').at(-1)} ${subject}`,
  );
}
