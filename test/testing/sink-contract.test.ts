import type { SourceEvent } from 'headwater';
import { MemorySink } from 'headwater/sinks/memory';
import { type OpenedSink, type SinkHarness, testSink } from 'headwater/testing';
import { describe, expect, it } from 'vitest';

type Batch = Parameters<OpenedSink['sink']['write']>[0];

/** Keeps every promise. */
class Right {
  events: SourceEvent[] = [];
  isClosed = false;

  async write(batch: Batch): Promise<void> {
    if (this.isClosed) throw new Error('closed');
    batch.signal.throwIfAborted();
    const copies = batch.events.map((event) => JSON.parse(JSON.stringify(event)) as SourceEvent);
    if (batch.savesCursor) await batch.saveCursor({} as never);
    this.keep(copies);
  }

  keep(events: readonly SourceEvent[]): void {
    for (const event of events) {
      const at = this.events.findIndex((other) => keyOf(other) === keyOf(event));
      if (at === -1) this.events.push(event);
      else this.events[at] = event;
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

const keyOf = ({ sourceid, source, id }: SourceEvent): string => JSON.stringify([sourceid, source, id]);

/** One mistake each, and the case that has to find it. */
const planted: readonly [mistake: string, sink: new () => Right, found: RegExp][] = [
  [
    'answers before it has kept anything',
    class extends Right {
      override async write(batch: Batch): Promise<void> {
        void new Promise((resolve) => setTimeout(resolve, 5)).then(() => this.keep(batch.events));
      }
    },
    /every event is kept/,
  ],
  [
    'loses the last of a large batch',
    class extends Right {
      override keep(events: readonly SourceEvent[]): void {
        super.keep(events.slice(0, 1_999));
      }
    },
    /batch of 2,000/,
  ],
  [
    'keeps what it can of a batch that fails',
    class extends Right {
      override async write(batch: Batch): Promise<void> {
        for (const event of batch.events) await super.write({ ...batch, events: [event] });
      }
    },
    /leaves nothing of it behind/,
  ],
  [
    'keeps what comes again a second time',
    class extends Right {
      override keep(events: readonly SourceEvent[]): void {
        this.events.push(...events);
      }
    },
    /there once/,
  ],
  [
    'tells ids apart without regard to case',
    class extends Right {
      override keep(events: readonly SourceEvent[]): void {
        super.keep(events.map((event) => ({ ...event, id: event.id.toLowerCase() })));
      }
    },
    /there once/,
  ],
  [
    'saves the cursor when its transaction is over',
    class extends Right {
      override async write(batch: Batch): Promise<void> {
        await super.write({ ...batch, savesCursor: false });
        if (batch.savesCursor) await batch.saveCursor({} as never);
      }
    },
    /nothing is kept/,
  ],
  [
    'never saves the cursor',
    class extends Right {
      override write(batch: Batch): Promise<void> {
        return super.write({ ...batch, savesCursor: false });
      }
    },
    /calls `saveCursor`/,
  ],
  [
    'saves the cursor although nobody asked',
    class extends Right {
      override async write(batch: Batch): Promise<void> {
        await batch.saveCursor({} as never);
        await super.write({ ...batch, savesCursor: false });
      }
    },
    /every event is kept/,
  ],
  [
    'writes on after the run was given up',
    class extends Right {
      override write(batch: Batch): Promise<void> {
        return super.write({ ...batch, signal: new AbortController().signal });
      }
    },
    /given up/,
  ],
  [
    'takes batches after it was closed',
    class extends Right {
      override async close(): Promise<void> {}
    },
    /nothing is taken after it/,
  ],
  [
    'loses one of two batches that are written at once',
    class extends Right {
      override async write(batch: Batch): Promise<void> {
        const before = this.events;
        await new Promise((resolve) => setImmediate(resolve));
        this.events = [...before];
        await super.write(batch);
      }
    },
    /written at once/,
  ],
  [
    'turns data into something else',
    class extends Right {
      override keep(events: readonly SourceEvent[]): void {
        super.keep(
          events.map((event) => ({
            ...event,
            data: JSON.parse(JSON.stringify(event.data).replaceAll('\\u0000', '')) as unknown,
          })),
        );
      }
    },
    /exactly as it was/,
  ],
];

const promises: SinkHarness['promises'] = ['order', 'atomic', 'unique', 'transactions', 'abortable', 'closes'];

async function failuresOf(Sink: new () => Right): Promise<string[]> {
  const create = async () => {
    const sink = new Sink();
    return { sink, stored: async () => sink.events };
  };
  const failures: string[] = [];
  for (const { name, run } of testSink({ promises, create })) {
    await run().catch((error: Error) => failures.push(`${name}: ${error.message}`));
  }
  return failures;
}

describe('the contract of sinks', () => {
  it('accepts one that keeps every promise', async () => {
    expect(await failuresOf(Right)).toEqual([]);
  });

  it.each(planted)('rejects one that %s', async (_, Sink, found) => {
    expect((await failuresOf(Sink)).join('\n')).toMatch(found);
  });

  it('leaves out what the sink does not promise, and says so', () => {
    const create = async () => ({ sink: new MemorySink<SourceEvent>(), stored: async () => [] });
    const skipped = testSink({ promises: ['order'], create }).filter((one) => one.skipped !== undefined);
    expect(skipped.map((one) => one.skipped)).toContain("the sink does not promise 'atomic'");
    expect(() => testSink({ promises: [], create, skip: [{ case: 'misspelt', reason: '' }] })).toThrow(
      /no case "misspelt"/,
    );
  });
});
