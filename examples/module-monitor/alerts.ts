import { BatchEventSource, type ReadContext, type SourceBatch, type SourceEvent } from 'headwater';
import { poll } from 'headwater/toolkit';
import type { Kysely, Transaction } from 'kysely';
import type { Tables } from './database.js';

export type AlertEvent =
  | SourceEvent<
      'monitor.security_update.found',
      { site: string; module: string; version: string; advisory: string; fixedIn: string | null }
    >
  | SourceEvent<'monitor.site.failing', { site: string; failures: number; lastError: string }>;

type Alert = { [Event in AlertEvent as Event['type']]: Pick<Event, 'id' | 'type' | 'data'> }[AlertEvent['type']];

const ALERTS_AT_ONCE = 100;
const ROWS_PER_STATEMENT = 500;

/** Alerts go out with the transaction that has found what they tell: all of them, or none. */
export async function addAlerts(transaction: Transaction<Tables>, alerts: readonly Alert[]): Promise<void> {
  const at = new Date().toISOString();
  for (let from = 0; from < alerts.length; from += ROWS_PER_STATEMENT) {
    const rows = alerts
      .slice(from, from + ROWS_PER_STATEMENT)
      .map(({ id, type, data }) => ({ id, type, site: data.site, data: JSON.stringify(data), at }));
    await transaction.insertInto('alerts').values(rows).execute();
  }
}

/** The alerts that were not told yet, each until somebody has taken it. */
export class AlertSource extends BatchEventSource<AlertEvent, never, { database: Kysely<Tables>; intervalMs: number }> {
  static readonly definition = {
    type: 'monitor-alerts',
    config: undefined,
    capabilities: { kind: 'pull', delivery: 'at-least-once', position: 'upstream', ids: 'stable', deletes: false },
    events: {
      'monitor.security_update.found': { description: 'A site has a version that a security fact names.' },
      'monitor.site.failing': { description: 'Several syncs of a site have failed one after another.' },
    },
  } as const;

  readonly type = 'monitor-alerts';

  async validate() {
    return { ok: true, problems: [] };
  }

  protected async *readBatches({ signal, follow }: ReadContext<never>): AsyncGenerator<SourceBatch<AlertEvent, never>> {
    // Handed out, and not taken yet: to be left out, for it is still there.
    const handedOut = new Set<string>();
    const { intervalMs } = this.config;
    yield* poll(() => this.#round(handedOut), { clock: this.clock, signal, follow, intervalMs });
  }

  async *#round(handedOut: Set<string>): AsyncGenerator<SourceBatch<AlertEvent, never>> {
    const { database } = this.config;
    const waiting = await database
      .selectFrom('alerts')
      .selectAll()
      .where('told_at', 'is', null)
      .orderBy('at')
      .orderBy('id')
      .limit(ALERTS_AT_ONCE + handedOut.size)
      .execute();
    const rows = waiting.filter(({ id }) => !handedOut.has(id)).slice(0, ALERTS_AT_ONCE);
    if (rows.length === 0) return;
    for (const { id } of rows) handedOut.add(id);
    const events = rows.map(({ id, type, at, data }) => {
      const alert = { id, type, time: at, data: JSON.parse(data) } as Alert & { time: string };
      return this.event(alert) as AlertEvent;
    });
    const settle = async (taken: number): Promise<void> => {
      const ids = rows.slice(0, taken).map(({ id }) => id);
      if (ids.length === 0) return;
      const told_at = new Date(this.clock.now()).toISOString();
      await database.updateTable('alerts').set({ told_at }).where('id', 'in', ids).execute();
      for (const id of ids) handedOut.delete(id);
    };
    yield { events, settle };
  }
}
