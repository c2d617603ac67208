import { GapError } from './errors.js';
import { isGap, type SourceEvent } from './event.js';
import type { SourceRuntime } from './source-runtime.js';

/** A gap among the events read that must not be passed, and the error that says so. */
export function gapToStopAt(
  { made, onGap, id }: SourceRuntime,
  events: readonly SourceEvent[],
): { at: number; error: GapError } | undefined {
  // Without a gap made, nobody looks through the events for one.
  if (made.gaps === 0) return undefined;
  const at = events.findIndex(isGap);
  const gap = events[at];
  if (gap === undefined || !isGap(gap)) return undefined;
  made.gaps -= events.filter(isGap).length;
  return onGap === 'emit' ? undefined : { at, error: new GapError(gap, { sourceId: id }) };
}
