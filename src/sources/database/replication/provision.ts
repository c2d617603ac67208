import { dialects } from '../../../toolkit/sql/dialect.js';
import type { ReplicationConfig } from '../config.js';
import type { DatabaseClient } from '../database-client.js';
import { configError } from '../failure.js';
import { identifier, ReplicationConnection } from './connection.js';
import { toReplicationFailure } from './failure.js';
import type { ServerFacts } from './server.js';

/** @throws ConfigError for what has to be set right on the server first */
export function assertReplicates(
  { walLevel, slot, publication, database }: ServerFacts,
  config: ReplicationConfig,
  sourceId: string,
): void {
  const error = (code: string, message: string, fix: string) => configError(sourceId, code, message, fix);
  if (walLevel !== 'logical')
    throw error(
      'DATABASE_WAL_LEVEL',
      `the server has wal_level = ${walLevel}`,
      'set wal_level = logical, and restart the server',
    );
  if (slot === undefined && !config.create) {
    throw error(
      'DATABASE_SLOT',
      `there is no replication slot ${config.slot}`,
      `create: true, or SELECT pg_create_logical_replication_slot('${config.slot}', 'pgoutput')`,
    );
  }
  if (publication === undefined && (slot !== undefined || !config.create)) {
    throw error(
      'DATABASE_PUBLICATION',
      `there is no publication ${config.publication}`,
      'CREATE PUBLICATION … FOR TABLE … before the slot is made; or create: true when there is neither',
    );
  }
  if (slot !== undefined && (slot.kind !== 'logical' || slot.plugin !== 'pgoutput' || slot.database !== database)) {
    const what = slot.kind === 'logical' ? `one of ${slot.plugin} in database ${slot.database}` : 'a physical one';
    throw error(
      'DATABASE_SLOT',
      `the replication slot ${config.slot} is ${what}`,
      `expected a logical one of pgoutput in database ${database}`,
    );
  }
}

/** Before the slot: what is decoded is looked up as it was then. */
export async function createPublication(
  connection: ReplicationConnection,
  config: ReplicationConfig,
  sourceId: string,
): Promise<void> {
  const { quote } = dialects.postgres;
  const tables = config.tables.map((each) => {
    const schema = 'schema' in each ? each.schema : undefined;
    return schema === undefined ? quote(each.table) : `${quote(schema)}.${quote(each.table)}`;
  });
  await guarded(config, sourceId, () =>
    connection.command(
      `CREATE PUBLICATION ${identifier(config.publication)} FOR TABLE ${tables.join(', ')} WITH (publish_via_partition_root = true)`,
    ),
  );
}

/** The slot, where it begins, and the name under which others see what was committed before. */
export async function createSlot(
  connection: ReplicationConnection,
  config: ReplicationConfig,
  sourceId: string,
): Promise<{ lsn: string; exported: string }> {
  const [row] = await guarded(config, sourceId, () =>
    connection.command(`CREATE_REPLICATION_SLOT ${identifier(config.slot)} LOGICAL pgoutput`),
  );
  return { lsn: String(row?.['consistent_point']), exported: String(row?.['snapshot_name']) };
}

/** @throws PermissionError, NotFoundError, RetryableError while somebody reads it */
export async function dropSlot(client: DatabaseClient, config: ReplicationConfig, sourceId: string): Promise<void> {
  if (client.address === undefined) throw withoutUrl(sourceId);
  await guarded(config, sourceId, async () => {
    const connection = await ReplicationConnection.open(client.address as NonNullable<DatabaseClient['address']>);
    try {
      await connection.command(`DROP_REPLICATION_SLOT ${identifier(config.slot)}`);
    } finally {
      await connection.close();
    }
  });
}

export function otherEngine(sourceId: string): Error {
  return configError(
    sourceId,
    'DATABASE_REPLICATION',
    'mode replication reads PostgreSQL only',
    'take mode keyset or snapshot',
  );
}

export function withoutUrl(sourceId: string): Error {
  return configError(
    sourceId,
    'DATABASE_REPLICATION',
    'a Kysely instance does not replicate',
    'give the URL of the server: postgres://host/database',
  );
}

async function guarded<Result>(
  { slot }: ReplicationConfig,
  sourceId: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw toReplicationFailure(error, sourceId, slot);
  }
}
