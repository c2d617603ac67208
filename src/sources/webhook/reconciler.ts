import type { ReadContext } from '../../core/read-options.js';
import type { Secret } from '../../core/secret.js';
import type { WebhookConfig } from './config.js';
import type { WebhookCursor } from './cursor.js';
import { reconcileOf } from './endpoints.js';
import { GitHubDeliveries, type GitHubDeliveriesOptions } from './github-deliveries.js';

type Surroundings = Pick<GitHubDeliveriesOptions, 'clock' | 'logger' | 'dispatcher' | 'count'>;

/** Has sent again what was missed and what is refused, for the endpoints that ask for it. */
export class Reconciler {
  readonly #deliveries: readonly GitHubDeliveries[];
  readonly #surroundings: Surroundings;

  constructor(
    endpoints: WebhookConfig['endpoints'],
    tokens: Readonly<Record<string, Secret>>,
    surroundings: Surroundings,
  ) {
    this.#surroundings = surroundings;
    this.#deliveries = Object.entries(endpoints).flatMap(([endpoint, given]) => {
      const [config, token] = [reconcileOf(given), tokens[endpoint]];
      if (config === undefined || token === undefined) return [];
      return [new GitHubDeliveries({ endpoint, config, token, ...surroundings })];
    });
  }

  /** Names the endpoints where nothing is missing any more, and goes on for as long as the signal lets it. */
  async catchUp({ cursor, signal }: ReadContext<WebhookCursor>): Promise<ReadonlySet<string>> {
    const { clock, logger } = this.#surroundings;
    const caughtUp = new Set<string>();
    const now = clock.now();
    for (const deliveries of this.#deliveries) {
      const { endpoint } = deliveries;
      try {
        if (cursor !== undefined) await deliveries.sweep(Date.parse(cursor.listened), signal);
        caughtUp.add(endpoint);
      } catch (error) {
        if (signal.aborted) throw error;
        logger.warn({ error, endpoint }, 'webhook: GitHub cannot be asked what it did not deliver');
      }
      void deliveries.run(now, signal);
    }
    return caughtUp;
  }
}
