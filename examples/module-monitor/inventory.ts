import { KyselySnapshotTable, type SnapshotChanges } from 'headwater/sinks/kysely';
import type { Kysely, Transaction } from 'kysely';
import { addAlerts } from './alerts.js';
import { type Tables, tablePrefix } from './database.js';
import type { Sync, SyncResult } from './sync.js';
import type { Module } from './sync-request.js';

interface Finding {
  readonly module: string;
  readonly version: string;
  readonly advisory: string;
  readonly fixedIn: string | null;
}

export interface Inventoried {
  /** Of the modules; null: they were left as they are. */
  readonly revision: number | null;
  readonly counts: SyncResult['counts'];
  readonly warnings: SyncResult['warnings'];
}

const MOST_WARNINGS = 20;

/** What each site has, and which of it must not be in use. */
export class Inventory {
  readonly #modules: KyselySnapshotTable<Tables, Module>;
  readonly #findings: KyselySnapshotTable<Tables, Finding>;

  constructor(database: Kysely<Tables>) {
    this.#modules = new KyselySnapshotTable(database, {
      tablePrefix,
      table: 'modules',
      key: ({ name }) => name,
      version: ({ version, type, enabled }) => `${version} ${type} ${enabled ? 'enabled' : 'disabled'}`,
      history: true,
    });
    this.#findings = new KyselySnapshotTable(database, {
      tablePrefix,
      table: 'findings',
      key: ({ module, advisory }) => `${module} ${advisory}`,
      version: ({ version, fixedIn }) => `${version} ${fixedIn ?? ''}`,
    });
  }

  async prepare(): Promise<void> {
    await this.#modules.prepare();
    await this.#findings.prepare();
  }

  /** Stores what a sync says, and tells what that changed. Counts and warnings are of the whole site. */
  async apply({ site, mode, modules }: Sync, transaction: Transaction<Tables>): Promise<Inventoried> {
    const { created, updated, removed, revision } = await this.#modules.apply(site, modules, { mode, transaction });
    const found = await findInsecure(site, transaction);
    const findings = await this.#findings.apply(site, found, { mode: 'full', transaction });
    await addAlerts(transaction, alertsOf(site, findings));
    return {
      revision,
      counts: {
        processed: modules.length,
        new: created.length,
        updated: updated.length,
        removed: removed.length,
        securityUpdates: found.length,
      },
      warnings: await findUnknown(site, transaction),
    };
  }
}

/** One query for all modules of the site: few of them are in the table of facts. */
async function findInsecure(site: string, transaction: Transaction<Tables>): Promise<Finding[]> {
  const rows = await transaction
    .selectFrom('security_facts as fact')
    .innerJoin('monitor_modules as installed', 'installed.itemkey', 'fact.module')
    .select(['fact.module', 'fact.version', 'fact.advisory', 'fact.fixed_in', 'installed.data'])
    .where('installed.groupid', '=', site)
    .execute();
  return rows
    .filter(({ version, data }) => (JSON.parse(data) as Module).version === version)
    .map(({ module, version, advisory, fixed_in }) => ({ module, version, advisory, fixedIn: fixed_in }));
}

/** Only what was not found before: a site that does nothing about it is not told every day. */
function alertsOf(site: string, { created, updated, revision }: SnapshotChanges<Finding>) {
  return [...created, ...updated].map(({ item }) => ({
    id: `${site}/${revision}/${item.module}/${item.advisory}`,
    type: 'monitor.security_update.found' as const,
    data: { site, ...item },
  }));
}

async function findUnknown(site: string, transaction: Transaction<Tables>): Promise<SyncResult['warnings']> {
  const rows = await transaction
    .selectFrom('monitor_modules as installed')
    .leftJoin('catalogue', 'catalogue.module', 'installed.itemkey')
    .select('installed.itemkey')
    .where('installed.groupid', '=', site)
    .where('catalogue.module', 'is', null)
    .orderBy('installed.itemkey')
    .limit(MOST_WARNINGS + 1)
    .execute();
  const warnings = rows
    .slice(0, MOST_WARNINGS)
    .map(({ itemkey }) => ({ code: 'UNKNOWN_MODULE', message: `the module "${itemkey}" is not in the catalogue` }));
  if (rows.length <= MOST_WARNINGS) return warnings;
  return [...warnings, { code: 'MORE_UNKNOWN', message: 'there are more modules that are not in the catalogue' }];
}
