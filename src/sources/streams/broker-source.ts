import { BatchEventSource } from '../../core/batch-event-source.js';
import type { SourceEvent } from '../../core/event.js';
import type { ReadContext } from '../../core/read-options.js';
import { type ReconnectPolicy, reconnecting } from './reconnecting.js';

/** A source of a broker: its connection is lost now and then, and made again. */
export abstract class BrokerSource<
  Event extends SourceEvent,
  Cursor,
  Config extends { readonly reconnect: ReconnectPolicy },
> extends BatchEventSource<Event, Cursor, Config> {
  /** Reads again, from the start of `read`, each time that the broker is lost; and says so. */
  protected readAgain<Batch>(
    { signal }: ReadContext<Cursor>,
    read: () => AsyncIterable<Batch>,
  ): AsyncGenerator<Batch, void, undefined> {
    const { clock, logger, config, type } = this;
    const begin = (): AsyncIterable<Batch> => {
      this.setStatus({ state: 'reading' });
      return read();
    };
    return reconnecting(begin, {
      policy: config.reconnect,
      clock,
      signal,
      onRetry: (error, attempt, delayMs) => {
        this.setStatus({ state: 'reconnecting', attempt, error });
        this.count('retries');
        logger.warn({ error, attempt, delayMs }, `the broker (${type}) is not there, and is tried again`);
      },
    });
  }
}
