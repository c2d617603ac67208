import { createSources, plainGenerator, type Sources } from './events.js';
import { type Bench, compared, type PairOptions, paired, type Row } from './measure.js';

const EVENTS = 500_000;
const PAIRS = 15;

/** What handing out an event costs beside a plain `async function*`. */
export const delivery: Bench = {
  name: 'delivery',
  async *rows() {
    const sources = await createSources();
    yield await row(sources, 'for await over batches of prebuilt events', 0.6, (made) => made.batches(EVENTS));
    yield await row(sources, 'the same, envelope and id made per event', 1.0, (made) => made.madeBatches(EVENTS));
    yield await row(sources, "a custom source's read(), prebuilt events", 1.8, (made) => made.reads(EVENTS));
    yield await row(sources, "a custom source's read(), with this.event()", 2.2, (made) => made.madeReads(EVENTS));
    yield await batchesRow(sources);
    yield await compared({
      bench: 'delivery',
      row: 'for await over batches, beside a bare await for each event (no iterator at all)',
      ours: () => consume(sources.batches(EVENTS).generateEvents()),
      rival: bareAwaits,
    });
  },
};

type Made = ReturnType<Sources['batches']>;

function row(sources: Sources, name: string, goal: number, make: (sources: Sources) => Made): Promise<Row> {
  return paired({
    ...common(name, goal),
    ours: () => consume(make(sources).generateEvents()),
    rival: () => consumePlain(plainGenerator(EVENTS)),
  });
}

function batchesRow(sources: Sources): Promise<Row> {
  return paired({
    ...common('generateBatches() beside per-event iteration', 0.1),
    ours: () => consumeBatches(sources.batches(EVENTS)),
    rival: () => consume(sources.batches(EVENTS).generateEvents()),
  });
}

function common(row: string, goal: number): Pick<PairOptions, 'bench' | 'row' | 'goal' | 'pairs' | 'warmUps'> {
  return { bench: 'delivery', row, goal, pairs: PAIRS, warmUps: 3 };
}

// Two loops with the same body: one that sees both kinds of iterator is slower for both.
async function consume(events: AsyncIterable<unknown>): Promise<void> {
  let count = 0;
  for await (const _event of events) count += 1;
  check(count);
}

async function consumePlain(events: AsyncIterable<unknown>): Promise<void> {
  let count = 0;
  for await (const _event of events) count += 1;
  check(count);
}

async function bareAwaits(): Promise<void> {
  for (let count = 0; count < EVENTS; count += 1) await undefined;
}

async function consumeBatches(source: Made): Promise<void> {
  let count = 0;
  for await (const { events } of source.generateBatches()) for (const _event of events) count += 1;
  check(count);
}

function check(count: number): void {
  if (count !== EVENTS) throw new Error(`${count} events came instead of ${EVENTS}`);
}
