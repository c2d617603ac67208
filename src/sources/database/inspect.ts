import type { Problem, ValidationResult } from '../../core/source-definition.js';
import { validation } from '../../toolkit/validation.js';
import type { DatabaseConfig, PolledConfig } from './config.js';
import type { DatabaseClient } from './database-client.js';
import { quoted, type Session } from './engine/engine.js';
import { chooseCommits } from './keyset/commits.js';
import { findRelation, type Keyset, type Relation, toKeyset } from './relation.js';
import { findReplicationProblems } from './replication/inspect.js';
import { readPage } from './statement.js';

/** More rows than this should not be read in full at each look. */
const MANY_ROWS = 100_000;

/** Whether the database is reached, what is read is there and may be read, and what would help. */
export function inspect(
  client: DatabaseClient,
  config: DatabaseConfig,
  sourceId: string,
  signal: AbortSignal,
): Promise<ValidationResult> {
  return validation(signal, () =>
    client.read(signal, (session) =>
      config.mode === 'replication'
        ? findReplicationProblems(client, config, sourceId, session)
        : findProblems(client, config, sourceId, session),
    ),
  );
}

async function findProblems(
  client: DatabaseClient,
  config: PolledConfig,
  sourceId: string,
  { run }: Session,
): Promise<Problem[]> {
  const relation = await findRelation(client.engine, run, config, sourceId);
  if (relation === undefined) {
    return [warning('DATABASE_EMPTY', 'the query has no rows yet, so its columns cannot be checked')];
  }
  const keyset = config.mode === 'keyset' ? toKeyset(relation, config, sourceId) : undefined;
  const order = keyset?.order ?? relation.key;
  // What may not be read is refused here.
  await readPage(run, relation, { order, conditions: [], limit: 1 });
  const problems = indexProblems(relation, order);
  if (keyset !== undefined && config.mode === 'keyset')
    problems.push(...commitProblems(keyset, chooseCommits(keyset, config, sourceId).kind));
  if (relation.facts?.warning !== undefined && config.mode === 'keyset') {
    const { code, message, fix } = relation.facts.warning;
    problems.push(warning(code, message, fix));
  }
  return problems;
}

function indexProblems({ facts, engine, name }: Relation, order: Relation['key']): Problem[] {
  if (facts === undefined || facts.isView) return [];
  const names = order.map((column) => column.name);
  if (
    facts.indexes.some(
      (index) =>
        names.slice(0, index.length).every((column, at) => index[at] === column) &&
        isEnough(engine.name, index, names, facts.key),
    )
  )
    return [];
  const { quote } = engine.dialect;
  const columns = names.map(quote).join(', ');
  const fix = `create index on it: CREATE INDEX ${quote(`${facts.table}_headwater`)} ON ${quoted(engine.dialect, facts)} (${columns})`;
  return [
    warning(
      'DATABASE_INDEX',
      `no index of ${name} begins with (${names.join(', ')}): every page sorts the whole table`,
      fix,
    ),
  ];
}

/** An index that ends early is enough where each entry ends in the primary key, as in InnoDB and (with one column) SQLite. */
function isEnough(
  dialect: string,
  index: readonly string[],
  order: readonly string[],
  key: readonly string[],
): boolean {
  if (index.length >= order.length) return true;
  if (dialect === 'postgres') return false;
  return String([...index, ...key].slice(0, order.length)) === String(order);
}

function commitProblems({ name, facts, engine, cursor }: Keyset, kind: string): Problem[] {
  switch (kind) {
    case 'lag':
      return [
        warning(
          'DATABASE_LATE_COMMITS',
          `rows of ${name} are read with a lag: what takes longer than that to commit is missed`,
          engine.name === 'postgres'
            ? XID
            : 'read by an auto-increment key alone, or make the lag longer than any transaction',
        ),
      ];
    case 'row-versions':
      if ((facts?.rows ?? 0) < MANY_ROWS) return [];
      return [
        warning(
          'DATABASE_FULL_READS',
          `${name} has about ${facts?.rows} rows, all of which the server looks at when anything was committed, and rows wait for the oldest open transaction`,
          XID,
        ),
      ];
    case 'none':
      return [
        warning(
          'DATABASE_LATE_COMMITS',
          `with more than one writer rows of ${name} that are committed late are missed, as was declared`,
        ),
      ];
    case 'watch':
      return [
        warning(
          'DATABASE_LATE_COMMITS',
          `numbers missing in ${name} are looked for a while: what takes longer than that to commit is missed`,
        ),
      ];
    default:
      return cursor?.isTransactionId === true || engine.name === 'sqlite' ? [] : [];
  }
}

const XID =
  'add a column that tells the transaction, keep it by a trigger, and read by it: ' +
  'ALTER TABLE … ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id(); CREATE INDEX ON … (xid, <key>); see the page of this source';

function warning(code: string, message: string, fix?: string): Problem {
  return { severity: 'warning', code, message, ...(fix !== undefined && { fix }) };
}
