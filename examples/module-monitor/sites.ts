import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Kysely } from 'kysely';
import { orAway, type Tables } from './database.js';

/** Why somebody may not speak for a site. */
export type SiteProblem = 'no key' | 'unknown site' | 'wrong key';

/** The sites that may send, and the keys that they show. */
export class Sites {
  readonly #database: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#database = database;
  }

  /** Adds a site, or a further key to one that is there. The key is shown this once: only its hash is kept. */
  async register(id: string, options: { syncEveryMinutes?: number } = {}): Promise<string> {
    const key = `mm_${randomBytes(24).toString('base64url')}`;
    await this.#database.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('sites')
        .values({ id, is_active: 1, sync_every_minutes: options.syncEveryMinutes ?? 1_440, failures: 0 })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ is_active: 1 }))
        .execute();
      await transaction
        .insertInto('api_keys')
        .values({ key_hash: hashOf(key), site: id })
        .execute();
    });
    return key;
  }

  async deactivate(id: string): Promise<void> {
    await this.#database.updateTable('sites').set({ is_active: 0 }).where('id', '=', id).execute();
  }

  /**
   * Whether this key speaks for this site.
   * @throws RetryableError when the database is away
   */
  async check(id: string, key: string | undefined): Promise<SiteProblem | undefined> {
    if (key === undefined) return 'no key';
    const query = this.#database
      .selectFrom('sites')
      .leftJoin('api_keys', 'api_keys.site', 'sites.id')
      .select('api_keys.key_hash')
      .where('sites.id', '=', id)
      .where('sites.is_active', '=', 1);
    const rows = await orAway(query.execute());
    if (rows.length === 0) return 'unknown site';
    const hash = Buffer.from(hashOf(key));
    const isRight = rows.some(({ key_hash }) => key_hash !== null && timingSafeEqual(Buffer.from(key_hash), hash));
    return isRight ? undefined : 'wrong key';
  }
}

/** Keys are random and long, so nobody finds one by trying: a plain hash is enough. */
function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
