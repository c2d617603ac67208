import type { Clock } from '../../core/clock.js';
import type { HttpClient } from '../../toolkit/http/http-client.js';
import type { Finder, RestConfig } from './config.js';
import type { RestEvent, RestFields } from './events.js';
import type { ItemReader } from './item.js';

/** What a pass is given by the source. */
export interface ModeContext {
  readonly config: RestConfig;
  readonly client: HttpClient;
  readonly reader: ItemReader;
  readonly next: Finder | undefined;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  make(fields: RestFields): RestEvent;
  /** An item is set aside. */
  onInvalid(key: string, problems: readonly { message: string }[]): void;
  onReading(): void;
}
