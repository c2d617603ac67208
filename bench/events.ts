import type { EventSource, SourceBatch, SourceEvent, ValidationResult } from '../src/index.js';
import { headwater } from './built.js';

export type Numbered = SourceEvent<'bench.event', { index: number }>;
type Cursor = { last: number };
type Source = EventSource<Numbered, Cursor>;

const PAGE = 1_000;

/** Events as a source would make them, one page that is delivered again and again. */
export const page: readonly Numbered[] = Array.from({ length: PAGE }, (_, index) => ({
  specversion: '1.0',
  id: `event-${index}`,
  source: '/bench/source',
  type: 'bench.event',
  sourceid: 'source',
  sourcetype: 'bench',
  data: { index },
}));

/** The rival: what a host writes without a library. */
export async function* plainGenerator(events: number): AsyncGenerator<Numbered, void, undefined> {
  for (let pages = events / PAGE; pages > 0; pages -= 1) for (const event of page) yield event;
}

export interface Sources {
  /** Prebuilt events in batches. */
  batches(events: number): Source;
  /** Batches whose events are made as they are read. */
  madeBatches(events: number): Source;
  /** A custom source's `read()`, prebuilt events. */
  reads(events: number): Source;
  /** The same with `this.event()`. */
  madeReads(events: number): Source;
}

export async function createSources(): Promise<Sources> {
  const { BatchEventSource, EventSource } = await headwater();
  const options = (events: number) => ({ id: 'source', config: events });
  const validate = async (): Promise<ValidationResult> => ({ ok: true, problems: [] });

  class Batches extends BatchEventSource<Numbered, Cursor, number> {
    readonly type = 'bench';
    override validate = validate;
    protected async *readBatches(): AsyncGenerator<SourceBatch<Numbered, Cursor>> {
      for (let done = 0; done < this.config; done += PAGE) {
        const from = done;
        yield { events: page, cursor: { last: from + PAGE }, cursorAt: (count) => ({ last: from + count }) };
      }
    }
  }

  class MadeBatches extends BatchEventSource<Numbered, Cursor, number> {
    readonly type = 'bench';
    override validate = validate;
    protected async *readBatches(): AsyncGenerator<SourceBatch<Numbered, Cursor>> {
      for (let done = 0; done < this.config; done += PAGE) {
        const events: Numbered[] = [];
        for (let index = 0; index < PAGE; index += 1) {
          events.push(this.event({ type: 'bench.event', id: `event-${done + index}`, data: { index } }));
        }
        yield { events, cursor: { last: done + PAGE } };
      }
    }
  }

  class Reads extends EventSource<Numbered, Cursor, number> {
    readonly type = 'bench';
    override validate = validate;
    protected async *read(): AsyncGenerator<Numbered> {
      for (let done = 0; done < this.config; done += PAGE) for (const event of page) yield event;
    }
  }

  class MadeReads extends EventSource<Numbered, Cursor, number> {
    readonly type = 'bench';
    override validate = validate;
    protected async *read(): AsyncGenerator<Numbered> {
      for (let done = 0; done < this.config; done += PAGE) {
        // An id comes from upstream, as text.
        for (const { id, data } of page) yield this.event({ type: 'bench.event', id, data }, { last: data.index });
      }
    }
  }

  return {
    batches: (events) => new Batches(options(events)),
    madeBatches: (events) => new MadeBatches(options(events)),
    reads: (events) => new Reads(options(events)),
    madeReads: (events) => new MadeReads(options(events)),
  };
}
