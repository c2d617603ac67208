import type { PolledConfig, ReplicationConfig } from '../config.js';
import type { Engine, Run } from '../engine/engine.js';
import { configError } from '../failure.js';
import { findRelation, type Relation, relationName } from '../relation.js';
import { type IdentityFacts, identityFacts, type PublishedTable, type ServerFacts } from './server.js';

/** A table whose changes are read, as it is now. */
export interface CapturedTable {
  /** As it stands in events. */
  readonly name: string;
  readonly schema: string;
  readonly table: string;
  readonly identity: IdentityFacts;
  /** Its published columns, and the key. */
  readonly relation: Relation;
  readonly published: PublishedTable | undefined;
}

/** @throws ConfigError when a table is not there or nothing tells its rows apart */
export async function captureTables(
  engine: Engine,
  run: Run,
  config: ReplicationConfig,
  { publication }: Pick<ServerFacts, 'publication'>,
  sourceId: string,
): Promise<CapturedTable[]> {
  const captured: CapturedTable[] = [];
  for (const wanted of config.tables) {
    const name = relationName(wanted);
    const identity = await identityFacts(run, wanted);
    if (identity === undefined) {
      throw configError(
        sourceId,
        'DATABASE_TABLE',
        `there is no table ${name} that this user sees`,
        'check its name (case counts), and its schema',
      );
    }
    const published = publication?.tables.find(
      ({ schema, table }) => schema === identity.schema && table === wanted.table,
    );
    const columns = identity.columns.filter((column) => published?.columns?.includes(column) ?? true);
    // With an index as identity, that is all that is sent of a row that is gone.
    const key = identity.identity === 'i' ? [...identity.identityColumns] : undefined;
    const relation = await findRelation(engine, run, pageConfig(config, wanted, columns, key), sourceId);
    if (relation === undefined) throw new Error('a table without columns');
    if (publication !== undefined && published === undefined) throw notPublished(config, name, sourceId);
    captured.push({ name, schema: identity.schema, table: wanted.table, identity, relation, published });
  }
  return captured;
}

function notPublished({ publication }: ReplicationConfig, name: string, sourceId: string): Error {
  const message = `the publication ${publication} has no table ${name}`;
  const fix = `ALTER PUBLICATION … ADD TABLE …; of a partitioned table, publish_via_partition_root = true`;
  return configError(sourceId, 'DATABASE_PUBLICATION', message, fix);
}

/** What reading such a table in pages takes. */
function pageConfig(
  { database, pageSize, statementTimeoutMs }: ReplicationConfig,
  { schema, table }: { schema?: string | undefined; table: string },
  columns: string[],
  key: string[] | undefined,
): PolledConfig {
  return { mode: 'snapshot', database, schema, table, columns, key, pageSize, statementTimeoutMs, pollIntervalMs: 1 };
}
