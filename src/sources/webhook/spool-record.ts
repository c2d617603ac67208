import type { SourceEvent } from '../../core/event.js';

/** How records are written now. One of a later version was written by a later release. */
const VERSION = 1;

interface SpoolRecordText {
  readonly v: number;
  readonly events: readonly Omit<SourceEvent, 'specversion' | 'sourceid' | 'sourcetype'>[];
}

/**
 * A delivery as it is kept: its events, and not the request, so that what was promised does not depend on a configuration
 * that may have changed since.
 */
export function toRecord(events: readonly SourceEvent[]): string {
  const kept = events.map(({ type, id, source, time, subject, data }) => ({ type, id, source, time, subject, data }));
  return JSON.stringify({ v: VERSION, events: kept } satisfies SpoolRecordText);
}

/** @throws Error where a later release wrote it */
export function fromRecord(value: Buffer): readonly SourceEvent[] {
  const { v, events } = JSON.parse(value.toString('utf8')) as SpoolRecordText;
  if (v !== VERSION)
    throw new Error(`a delivery in the spool is of version ${v}, this release reads version ${VERSION}`);
  return events as readonly SourceEvent[];
}
