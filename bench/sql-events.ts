import type { SourceBatch, SourceEvent, ValidationResult } from '../src/index.js';
import { headwater } from './built.js';

export const EVENTS = 20_000;
export const IN_BATCH = 500;
export type SqlEvent = SourceEvent<'bench.event', { index: number; text: string; tags: string[] }>;

/** Prebuilt events with keys in order, as most sources make them. */
export const events: readonly SqlEvent[] = Array.from({ length: EVENTS }, (_, index) => ({
  specversion: '1.0',
  id: `event-${String(index).padStart(8, '0')}`,
  source: '/bench/source',
  type: 'bench.event',
  time: '2026-01-02T03:04:05Z',
  sourceid: 'bench',
  sourcetype: 'bench',
  data: { index, text: `a text of some length, number ${index}`, tags: ['one', 'two'] },
}));

/** The columns a host would store, the same for both. */
export function toValues({ sourceid, source, id, type, sourcetype, time, data }: SqlEvent): unknown[] {
  return [sourceid, source, id, type, sourcetype, time ?? null, null, null, null, JSON.stringify(data)];
}

export async function createSource() {
  const { BatchEventSource } = await headwater();
  const valid: ValidationResult = { ok: true, problems: [] };
  class Prebuilt extends BatchEventSource<SqlEvent, { last: number }> {
    readonly type = 'bench';
    override async validate(): Promise<ValidationResult> {
      return valid;
    }
    protected async *readBatches(): AsyncGenerator<SourceBatch<SqlEvent, { last: number }>> {
      for (let from = 0; from < EVENTS; from += IN_BATCH) {
        yield { events: events.slice(from, from + IN_BATCH), cursor: { last: from + IN_BATCH } };
      }
    }
  }
  return new Prebuilt({ id: 'bench', config: undefined });
}
