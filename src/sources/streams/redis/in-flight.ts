import { reasonOf } from '../reason.js';
import type { DeadLetters } from './dead-letters.js';
import type { ModeContext, RedisBatch } from './mode.js';

export interface InFlightOptions {
  readonly mode: ModeContext;
  readonly group: string;
  readonly consumer: string;
  readonly claimIdleMs: number;
  readonly deadLetters: DeadLetters;
}

interface Held {
  readonly stream: string;
  readonly ids: readonly string[];
  acknowledged: number;
}

/** Entries that the consumer has, and has not acknowledged: they are not read again, and nobody takes them over. */
export class InFlight {
  readonly #options: InFlightOptions;
  readonly #held = new Set<Held>();
  readonly #stopped = new AbortController();
  #isKept = false;

  constructor(options: InFlightOptions) {
    this.#options = options;
  }

  /** Holds them until the batch is settled; gives what settles it, and what sets one of them aside. */
  hold(stream: string, ids: readonly string[]): Pick<RedisBatch, 'settle' | 'setAside'> {
    const held: Held = { stream, ids, acknowledged: 0 };
    this.#held.add(held);
    if (!this.#isKept && this.#options.claimIdleMs > 0) {
      this.#isKept = true;
      void this.#keep();
    }
    return {
      settle: async (acknowledged, { final }) => {
        const done = ids.slice(held.acknowledged, acknowledged);
        // Until Redis has heard of it, it would be found among what is pending.
        if (done.length > 0) await this.acknowledge(stream, done);
        held.acknowledged = acknowledged;
        if (final) this.#held.delete(held);
      },
      setAside: async (index, { error, attempts }) => {
        const { mode, deadLetters } = this.#options;
        const why = { 'headwater-attempts': `${attempts}`, 'headwater-error': reasonOf(error) };
        const told = 'an entry that failed for good was set aside';
        await mode.side.run((client) => deadLetters.add(client, stream, ids[index] as string, why, told));
      },
    };
  }

  async acknowledge(stream: string, ids: readonly string[]): Promise<void> {
    const { mode, group } = this.#options;
    await mode.side.run((client) => client.command('XACK', stream, group, ...ids));
  }

  /** Those of one stream. */
  of(stream: string): ReadonlySet<string> {
    const found = new Set<string>();
    for (const held of this.#held) {
      if (held.stream === stream) for (const id of held.ids.slice(held.acknowledged)) found.add(id);
    }
    return found;
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** A consumer may be slow: what it has must not look forgotten to the others. */
  async #keep(): Promise<void> {
    const { mode, claimIdleMs } = this.#options;
    const pause = (): Promise<boolean> =>
      mode.clock.sleep(Math.max(1, claimIdleMs / 3), this.#stopped.signal).then(
        () => true,
        () => false,
      );
    while (await pause()) {
      for (const { stream, ids, acknowledged } of this.#held) {
        await this.#touch(stream, ids.slice(acknowledged)).catch((error: unknown) =>
          mode.logger.warn({ error, stream }, 'entries that are in flight could not be kept from being taken over'),
        );
      }
    }
  }

  /** Only the time of delivery changes, not how often it was. */
  async #touch(stream: string, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const { mode, group, consumer } = this.#options;
    await mode.side.run((client) => client.command('XCLAIM', stream, group, consumer, '0', ...ids, 'JUSTID'));
  }
}
