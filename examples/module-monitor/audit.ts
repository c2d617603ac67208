import type { Kysely, Transaction } from 'kysely';
import { addAlerts } from './alerts.js';
import { orAway, type Tables } from './database.js';
import { nothingCounted, type Sync, type SyncResult } from './sync.js';

/** So many failures one after another are worth an alert. */
const FAILING = 3;

/** What is known of a sync also when its body cannot be read. */
type Audited = Pick<Sync, 'id' | 'site' | 'modules' | 'receivedAt'> & { readonly mode: Sync['mode'] | 'unknown' };

/** What became of every sync, and how often a site has failed. */
export class Audit {
  readonly #database: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#database = database;
  }

  /** What a site may know of one of its syncs. */
  async find(site: string, id: string, within: Kysely<Tables> = this.#database): Promise<SyncResult | undefined> {
    const query = within.selectFrom('syncs').select('result').where('id', '=', id).where('site', '=', site);
    const row = await orAway(query.executeTakeFirst());
    if (row === undefined) return undefined;
    return row.result === null ? queued(id) : (JSON.parse(row.result) as SyncResult);
  }

  /** Notes that a sync waits, unless it is done already. */
  async queue({ id, site, mode, modules, receivedAt }: Sync): Promise<void> {
    const head = { id, site, mode, modules: modules.length, received_at: receivedAt };
    const insert = this.#database
      .insertInto('syncs')
      .values({ ...head, status: 'queued' })
      .onConflict((conflict) => conflict.column('id').doNothing());
    await orAway(insert.execute());
  }

  /** In the transaction of what it did. */
  async record(
    transaction: Transaction<Tables>,
    { id, site, mode, modules, receivedAt }: Audited,
    result: SyncResult,
    revision: number | null,
  ): Promise<void> {
    const outcome = {
      status: result.status,
      revision,
      result: JSON.stringify(result),
      finished_at: new Date().toISOString(),
    };
    await transaction
      .insertInto('syncs')
      .values({ id, site, mode, modules: modules.length, received_at: receivedAt, ...outcome })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(outcome))
      .execute();
  }

  /** Notes a sync that changed nothing but this: that it failed. Its site may be failing repeatedly. */
  async fail(sync: Audited, status: 'failed' | 'refused', problem: string): Promise<SyncResult> {
    const code = status === 'failed' ? 'SYNC_FAILED' : 'BODY_INVALID';
    const errors = [{ code, message: problem }];
    const result = { ...nothing(sync.id), status, errors };
    await orAway(this.#database.transaction().execute((transaction) => this.#noteFailure(transaction, sync, result)));
    return result;
  }

  async #noteFailure(transaction: Transaction<Tables>, sync: Audited, result: SyncResult): Promise<void> {
    const { id, site } = sync;
    const { failures } = await transaction
      .updateTable('sites')
      .set(({ eb }) => ({ failures: eb('failures', '+', 1) }))
      .where('id', '=', site)
      .returning('failures')
      .executeTakeFirstOrThrow();
    await this.record(transaction, sync, result, null);
    if (failures % FAILING !== 0) return;
    const data = { site, failures, lastError: result.errors[0]?.message ?? '' };
    await addAlerts(transaction, [{ id: `${site}/failing/${id}`, type: 'monitor.site.failing', data }]);
  }
}

export function queued(syncId: string): SyncResult {
  return { ...nothing(syncId), status: 'queued' };
}

function nothing(syncId: string): Omit<SyncResult, 'status'> {
  return { syncId, counts: nothingCounted, warnings: [], errors: [], processingMs: 0, nextSyncAt: null };
}
