import type { Problem } from '../../../core/source-definition.js';
import type { ReplicationConfig } from '../config.js';
import type { DatabaseClient } from '../database-client.js';
import type { Session } from '../engine/engine.js';
import { readPage } from '../statement.js';
import { type CapturedTable, captureTables } from './captured.js';
import { assertReplicates, otherEngine, withoutUrl } from './provision.js';
import { type ServerFacts, serverFacts } from './server.js';

/** Whether server, user, publication, slot and tables are such that changes can be read. @throws ConfigError */
export async function findReplicationProblems(
  client: DatabaseClient,
  config: ReplicationConfig,
  sourceId: string,
  { run }: Session,
): Promise<Problem[]> {
  if (client.engine.name !== 'postgres') throw otherEngine(sourceId);
  if (client.address === undefined) throw withoutUrl(sourceId);
  const facts = await serverFacts(run, config);
  assertReplicates(facts, config, sourceId);
  const tables = await captureTables(client.engine, run, config, facts, sourceId);
  if (config.snapshot === 'initial') {
    for (const { relation } of tables) await readPage(run, relation, { order: relation.key, conditions: [], limit: 1 });
  }
  return [...ofUserAndSlot(facts, config), ...ofPublication(facts, config), ...tables.flatMap(ofTable)];
}

function ofUserAndSlot({ mayReplicate, slot }: ServerFacts, config: ReplicationConfig): Problem[] {
  const problems: Problem[] = [];
  if (!mayReplicate) {
    const message = 'this user may not replicate';
    problems.push({ severity: 'error', code: 'DATABASE_REPLICATION_ROLE', message, fix: 'ALTER ROLE … REPLICATION' });
  }
  if (slot?.status === 'lost') {
    const message = `the slot ${config.slot} has lost its log and cannot be read any more`;
    problems.push({
      severity: 'error',
      code: 'DATABASE_SLOT_LOST',
      message,
      fix: 'drop it with dropReplicationSlot(), then start without a cursor',
    });
  }
  if (slot?.isActive === true) {
    const message = `the slot ${config.slot} is being read now`;
    problems.push(
      warning(
        'DATABASE_SLOT_IN_USE',
        message,
        'each slot has one reader: end the other, or give this source a slot of its own',
      ),
    );
  }
  return problems;
}

function ofPublication({ publication }: ServerFacts, config: ReplicationConfig): Problem[] {
  if (publication === undefined || publication.missing.length === 0) return [];
  const message = `the publication ${config.publication} leaves out: ${publication.missing.join(', ')}`;
  return [
    warning('DATABASE_PUBLICATION', message, `ALTER PUBLICATION … SET (publish = 'insert, update, delete, truncate')`),
  ];
}

function ofTable({ name, identity }: CapturedTable): Problem[] {
  if (identity.identity === 'f' || identity.identity === 'i') return [];
  if (identity.identity === 'd' && identity.hasPrimaryKey) return [];
  const message = `${name} has no replica identity: once it is published, the server refuses UPDATE and DELETE`;
  return [
    warning(
      'DATABASE_REPLICA_IDENTITY',
      message,
      'give it a primary key, or ALTER TABLE … REPLICA IDENTITY USING INDEX … or FULL',
    ),
  ];
}

function warning(code: string, message: string, fix: string): Problem {
  return { severity: 'warning', code, message, fix };
}
