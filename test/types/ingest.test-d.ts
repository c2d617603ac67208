import {
  type CursorStore,
  type EventSource,
  type GapEvent,
  type IngestReport,
  ingest,
  type Sink,
  type SinkBatch,
  type SourceEvent,
} from 'headwater';
import { expectTypeOf, test } from 'vitest';

type Opened = SourceEvent<'issue.opened', { title: string }>;
type Closed = SourceEvent<'issue.closed', { by: string }>;
interface Cursor {
  page: number;
}
interface Transaction {
  insert(row: object): Promise<void>;
}

declare const source: EventSource<Opened | Closed | GapEvent, Cursor, { repo: string }>;
declare const withoutGaps: EventSource<Opened, Cursor>;
declare const anySource: EventSource;
declare const databaseStore: CursorStore<Transaction>;

test('the sink receives the events of the source, gap events among them', () => {
  void ingest({
    source,
    sink: (batch) => {
      expectTypeOf(batch.events).toEqualTypeOf<readonly (Opened | Closed | GapEvent)[]>();
      expectTypeOf(batch.cursor).toEqualTypeOf<Cursor | undefined>();
      expectTypeOf(batch.attempt).toEqualTypeOf<number>();
      expectTypeOf(batch.signal).toEqualTypeOf<AbortSignal>();
      for (const event of batch.events) {
        if (event.type === 'issue.opened') expectTypeOf(event.data).toEqualTypeOf<{ title: string }>();
        if (event.type === 'headwater.gap') expectTypeOf(event.data).toEqualTypeOf<GapEvent['data']>();
      }
    },
  });
});

test('a source that never tells of gaps gives none', () => {
  void ingest({
    source: withoutGaps,
    sink: ({ events }) => void expectTypeOf(events).toEqualTypeOf<readonly Opened[]>(),
  });
});

test('transform gets no gap events, narrows, and says what the sink receives', () => {
  void ingest({
    source,
    transform: (event) => {
      expectTypeOf(event).toEqualTypeOf<Opened | Closed>();
      if (event.type !== 'issue.opened') return undefined;
      return { title: event.data.title };
    },
    sink: ({ events }) => void expectTypeOf(events).toEqualTypeOf<readonly ({ title: string } | GapEvent)[]>(),
  });
  void ingest({
    source: withoutGaps,
    transform: async (event) => ({ title: event.data.title }),
    sink: ({ events }) => void expectTypeOf(events).toEqualTypeOf<readonly { title: string }[]>(),
  });
});

test('a source whose events are not known may tell of gaps', () => {
  void ingest({
    source: anySource,
    transform: (event) => event.id,
    sink: ({ events }) => void expectTypeOf(events).toEqualTypeOf<readonly (string | GapEvent)[]>(),
  });
});

test('a sink may be an object, or take more than it is given', () => {
  const own: Sink<Opened | Closed | GapEvent, Cursor> = { write() {} };
  const wide: Sink<SourceEvent> = { write() {} };
  const narrow: Sink<Opened> = { write() {} };
  void ingest({ source, sink: own });
  void ingest({ source, sink: wide });
  void ingest({ source: withoutGaps, sink: narrow });
});

test('saveCursor takes the transaction of the store', () => {
  void ingest({
    source,
    cursorStore: databaseStore,
    cursor: 'in-sink',
    sink: async (batch: SinkBatch<SourceEvent, Cursor, Transaction>) => {
      expectTypeOf(batch.saveCursor).parameters.toEqualTypeOf<[transaction: Transaction]>();
    },
  });
  void ingest({
    source,
    cursorStore: databaseStore,
    cursor: 'in-sink',
    sink: (batch) => void expectTypeOf(batch.saveCursor).parameters.toEqualTypeOf<[transaction: Transaction]>(),
  });
});

test('it resolves with a report', () => {
  expectTypeOf(ingest({ source, sink: () => {} })).toEqualTypeOf<Promise<IngestReport>>();
  expectTypeOf<IngestReport['status']>().toEqualTypeOf<'running' | 'completed' | 'partial' | 'cancelled' | 'failed'>();
});
