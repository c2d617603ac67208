import { HeadwaterError, type Logger, RetryableError } from 'headwater';
import { retry } from 'headwater/toolkit';
import type { Kysely, Transaction } from 'kysely';
import type { Audit } from './audit.js';
import { orAway, type Tables } from './database.js';
import type { Inventoried, Inventory } from './inventory.js';
import { nothingCounted, type Sync, type SyncResult } from './sync.js';

const RETRY = { retries: 3, minDelayMs: 50, maxDelayMs: 1_000 };

const SUPERSEDED: Inventoried = {
  revision: null,
  counts: nothingCounted,
  warnings: [{ code: 'SUPERSEDED', message: 'a newer sync was applied before this one' }],
};

/** Applies syncs: those of one site in the order in which they came, those of other sites meanwhile. */
export class SyncRunner {
  readonly #database: Kysely<Tables>;
  readonly #inventory: Inventory;
  readonly #audit: Audit;
  readonly #logger: Logger;
  /** Of each site, the end of what was asked for last. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(database: Kysely<Tables>, inventory: Inventory, audit: Audit, logger: Logger) {
    this.#database = database;
    this.#inventory = inventory;
    this.#audit = audit;
    this.#logger = logger;
  }

  /**
   * All of a sync, or nothing of it and a note in the audit. The same sync again is answered as before.
   * @throws RetryableError when the database is away: then it is as if it had not come yet, nor any behind it.
   */
  run(sync: Sync): Promise<SyncResult> {
    const { site } = sync;
    const turn = (this.#turns.get(site) ?? Promise.resolve()).then(() => this.#run(sync));
    this.#turns.set(site, turn);
    const leave = (): void => {
      if (this.#turns.get(site) === turn) this.#turns.delete(site);
    };
    turn.then(leave, leave);
    return turn;
  }

  async #run(sync: Sync): Promise<SyncResult> {
    try {
      const attempt = () => this.#database.transaction().execute((transaction) => this.#apply(sync, transaction));
      return await retry(() => orAway(attempt()), { policy: RETRY, retryUnknown: false });
    } catch (error) {
      if (RetryableError.isInstance(error)) throw error;
      this.#logger.error({ error, site: sync.site, sync: sync.id }, 'a sync failed');
      const known = HeadwaterError.isInstance(error) ? error.message : 'what was sent could not be stored';
      return this.#audit.fail(sync, 'failed', known);
    }
  }

  async #apply(sync: Sync, transaction: Transaction<Tables>): Promise<SyncResult> {
    const startedAt = performance.now();
    const site = await takeSite(sync, transaction);
    const before = await this.#audit.find(sync.site, sync.id, transaction);
    if (before !== undefined && before.status !== 'queued' && before.status !== 'failed') return before;
    const applied = site === undefined ? SUPERSEDED : await this.#inventory.apply(sync, transaction);
    const result: SyncResult = {
      syncId: sync.id,
      status: site === undefined ? 'superseded' : 'completed',
      counts: applied.counts,
      warnings: applied.warnings,
      errors: [],
      processingMs: Math.round(performance.now() - startedAt),
      nextSyncAt: site === undefined ? null : new Date(Date.now() + site.sync_every_minutes * 60_000).toISOString(),
    };
    await this.#audit.record(transaction, sync, result, applied.revision);
    return result;
  }
}

/**
 * Locks the site until the end of the transaction; undefined when a newer sync was applied already: this one must not
 * undo it.
 */
async function takeSite({ site, info, receivedAt }: Sync, transaction: Transaction<Tables>) {
  return transaction
    .updateTable('sites')
    .set({ info: JSON.stringify(info), failures: 0, applied_at: receivedAt })
    .where('id', '=', site)
    .where(({ eb, or }) => or([eb('applied_at', 'is', null), eb('applied_at', '<=', receivedAt)]))
    .returning('sync_every_minutes')
    .executeTakeFirst();
}
