import type { AutosavePolicy } from './autosave.js';
import type { Capabilities } from './capabilities.js';
import type { Clock } from './clock.js';
import type { CursorKeeper } from './cursor-keeper.js';
import type { SourceEvent } from './event.js';
import type { Iteration } from './iteration.js';
import type { Logger } from './logger.js';
import type { MadeEvents } from './made-events.js';
import type { ReadContext, SourceBatch } from './read-options.js';
import type { SourceActivity } from './source-activity.js';
import type { StateLedger } from './state-ledger.js';

/** What a source reads from: single events, or batches. */
export type Upstream =
  | { kind: 'events'; iterator: AsyncIterator<SourceEvent> }
  | { kind: 'batches'; iterator: AsyncIterator<SourceBatch<SourceEvent, unknown>> };

/**
 * The part of a source that its iterations, the factory and the pipeline work with, kept off the public class.
 * Found through a registered symbol, so that it also holds across two copies of this package.
 */
export interface SourceRuntime {
  readonly id: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly capabilities: Capabilities;
  readonly activity: SourceActivity;
  readonly ledger: StateLedger;
  readonly made: MadeEvents;
  readonly closeGraceMs: number;
  readonly onGap: 'throw' | 'emit';
  /** The acknowledged frontier while no iteration runs. */
  cursor: unknown;
  closed: boolean;
  iteration: Iteration | undefined;
  /** Set by whoever keeps this source's cursor in a store. */
  keeper: CursorKeeper | undefined;
  autosave: AutosavePolicy | undefined;
  /** Begins to read. Nothing is opened before. */
  open(context: ReadContext<unknown>): Upstream;
}

export const RUNTIME: unique symbol = Symbol.for('headwater.source.runtime') as never;

export function runtimeOf(source: { readonly [RUNTIME]: SourceRuntime }): SourceRuntime {
  return source[RUNTIME];
}

/** The acknowledged frontier, while an iteration runs and while none does. */
export function acknowledgedCursor(runtime: SourceRuntime): unknown {
  const moving = runtime.iteration?.movingFrontier;
  return moving === undefined ? runtime.cursor : moving.cursor;
}
