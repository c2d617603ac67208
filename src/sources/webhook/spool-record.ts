import type { SourceEvent } from '../../core/event.js';
import type { DeliveredEvent } from './provider.js';

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
export function toRecord(events: readonly SourceEvent[], delivered: readonly DeliveredEvent[]): string {
  const kept = events.map(({ type, id, source, time, subject, data }, at) => {
    const envelope = JSON.stringify({ type, id, source, time, subject });
    return `${envelope.slice(0, -1)},"data":${delivered[at]?.json ?? JSON.stringify(data)}}`;
  });
  return `{"v":${VERSION},"events":[${kept.join(',')}]}`;
}

/** @throws Error where a later release wrote it */
export function fromRecord(value: Buffer): readonly SourceEvent[] {
  const { v, events } = JSON.parse(value.toString('utf8')) as SpoolRecordText;
  if (v !== VERSION)
    throw new Error(`a delivery in the spool is of version ${v}, this release reads version ${VERSION}`);
  return events as readonly SourceEvent[];
}
