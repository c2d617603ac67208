import type { Capabilities } from '../../core/capabilities.js';
import type { DialectName } from '../../toolkit/sql/dialect.js';
import type { DatabaseConfig, KeysetConfig } from './config.js';

const BY_TIMES = 'what takes longer than that to commit is missed';

/** What a mode promises on a database, as far as it is known before the database is asked. `validate()` knows the rest. */
export function capabilitiesOf(dialect: DialectName, config: DatabaseConfig): Capabilities {
  const common = { kind: 'pull', delivery: 'at-least-once', ids: 'stable' } as const;
  if (config.mode === 'snapshot') {
    const notes = [
      'What changes more than once between two looks is one event; what is inserted and deleted between them is none.',
    ];
    return { ...common, position: 'state', deletes: true, notes };
  }
  if (config.mode === 'replication') {
    const notes = [
      'Every change of every commit, in the order of commits. A change may come again after a crash, with the same id, unless the cursor is saved in the transaction of the sink.',
    ];
    return { ...common, position: 'cursor', deletes: true, notes };
  }
  const notes = [
    lateCommits(dialect, config),
    'Deletions are not seen. What changes more than once between two looks is one event.',
  ];
  return { ...common, position: 'cursor', deletes: false, notes };
}

function lateCommits(dialect: DialectName, { lateCommits: declared, table }: KeysetConfig): string {
  if (declared === 'none') return 'late commits: missed, unless there is one writer, as was declared.';
  if (typeof declared === 'object' && 'lagMs' in declared)
    return `late commits: rows are read ${declared.lagMs} ms late; ${BY_TIMES}.`;
  switch (dialect) {
    case 'sqlite':
      return 'late commits: there are none, SQLite has one writer at a time.';
    case 'postgres': {
      const rest =
        table === undefined
          ? 'otherwise a time, 10 s late'
          : 'otherwise by xmin: rows come when no transaction that is open is older';
      return `late commits: not missed. By the cursor column where it is an xid8; ${rest}.`;
    }
    case 'mysql':
      return `late commits: missing numbers of an auto-increment key are looked for (10 minutes unless told); a time is read 10 s late, ${BY_TIMES}.`;
  }
}
