import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BatchEventSource,
  CursorConflictError,
  EventSource,
  EventSourceFactory,
  FileCursorStore,
  ingest,
  type ReadContext,
  type SourceBatch,
  type SourceEvent,
  type SourceOptions,
  type ValidationResult,
} from '../../src/index.js';
import { JsonlSink } from '../../src/sinks/jsonl/index.js';
import { FilesystemSource } from '../../src/sources/filesystem/index.js';
import { GitSource } from '../../src/sources/git/index.js';
import { databaseScenarios } from './database-scenarios.js';
import { githubReaders } from './github-scenarios.js';
import { logScenarios } from './log-scenarios.js';
import { BATCH, EVENTS, PAGE, type Scenario } from './scenario.js';
import { announced } from './served-scenarios.js';
import { slackReaders } from './slack-scenarios.js';
import { storeScenarios } from './store-scenarios.js';
import { streamScenarios } from './streams-scenarios.js';
import { webhookScenarios } from './webhook-scenarios.js';

const KEYS = 7;

type Numbered = SourceEvent<'torture.event', { index: number }>;
interface Cursor {
  next: number;
}

const valid = async (): Promise<ValidationResult> => ({ ok: true, problems: [] });
const options = { id: 'torture', config: {} };
const definition = (type: string) =>
  ({
    type,
    config: { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } },
    capabilities: { kind: 'pull', delivery: 'at-least-once', position: 'state', ids: 'stable', deletes: false },
    events: {},
  }) as const;

/** Pages that may be cut anywhere. */
class Pages extends BatchEventSource<Numbered, Cursor> {
  readonly type = 'pages';
  override validate = valid;

  protected async *readBatches({ cursor }: ReadContext<Cursor>): AsyncGenerator<SourceBatch<Numbered, Cursor>> {
    for (let from = cursor?.next ?? 0; from < EVENTS; from += PAGE) {
      const count = Math.min(PAGE, EVENTS - from);
      const events = Array.from({ length: count }, (_, at) => this.#numbered(from + at));
      yield { events, cursor: { next: from + count }, cursorAt: (done) => ({ next: from + done }) };
    }
  }

  #numbered(index: number): Numbered {
    return this.event({ type: 'torture.event', id: `event-${index}`, data: { index } });
  }
}

/** Counts per key in keyed state: an id shows whether state and cursor were saved together. */
class Counting extends EventSource<Numbered, Cursor> {
  static readonly definition = definition('counting');
  readonly type = 'counting';
  override validate = valid;

  static async create(given: SourceOptions<unknown, undefined, Cursor>): Promise<Counting> {
    return new Counting(given);
  }

  protected async *read({ cursor, state }: ReadContext<Cursor>): AsyncGenerator<Numbered> {
    for (let index = cursor?.next ?? 0; index < EVENTS; index += 1) {
      const key = `key-${index % KEYS}`;
      const revision = Number((await state.get(key)) ?? 0) + 1;
      state.set(key, revision);
      yield this.event({ type: 'torture.event', id: `${key}:${revision}`, data: { index } }, { next: index + 1 });
    }
  }
}

/** A queue that lives upstream: what is settled is gone from it, for good. */
class Upstream extends BatchEventSource<Numbered, undefined> {
  readonly type = 'upstream';
  override validate = valid;
  readonly #file: string;

  constructor(directory: string) {
    super(options);
    this.#file = join(directory, 'upstream.txt');
  }

  protected async *readBatches({
    maxEvents,
  }: ReadContext<undefined>): AsyncGenerator<SourceBatch<Numbered, undefined>> {
    const width = Math.min(maxEvents, BATCH);
    for (let from = this.#gone(); from < EVENTS; from += width) {
      const first = from;
      const count = Math.min(width, EVENTS - from);
      yield {
        events: Array.from({ length: count }, (_, at) => this.#numbered(first + at)),
        settle: (acknowledged) => this.#remove(first + acknowledged),
      };
    }
  }

  #gone(): number {
    return existsSync(this.#file) ? Number(readFileSync(this.#file, 'utf8')) : 0;
  }

  #remove(upTo: number): void {
    writeFileSync(`${this.#file}.new`, String(upTo));
    renameSync(`${this.#file}.new`, this.#file);
  }

  #numbered(index: number): Numbered {
    return this.event({ type: 'torture.event', id: `event-${index}`, data: { index } });
  }
}

function storeIn(directory: string): FileCursorStore {
  return new FileCursorStore(join(directory, 'cursors'));
}

async function intoJsonl(directory: string, source: EventSource<SourceEvent, unknown, unknown>): Promise<void> {
  const sink = new JsonlSink(join(directory, 'events.jsonl'));
  const cursorStore = storeIn(directory);
  await ingest({ source, sink, cursorStore, batch: { maxEvents: BATCH } });
  await sink.close();
}

/** One event after another into a file, the cursor saved as it goes. */
async function autosaved(directory: string): Promise<void> {
  const factory = new EventSourceFactory({
    sources: { counting: Counting },
    cursorStore: storeIn(directory),
    autosave: { everyEvents: BATCH, everyMs: 5 },
  });
  const source = await factory.create('counting', options);
  for await (const event of source.generateEvents()) {
    appendFileSync(join(directory, 'events.jsonl'), `${JSON.stringify(event)}\n`);
    if (event.data.index % PAGE === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Adds to a number that others add to as well, and notes each save that was accepted. */
async function contended(directory: string): Promise<void> {
  const store = storeIn(directory);
  const writer = `${process.pid}`;
  for (let accepted = 0; accepted < EVENTS / 6; ) {
    const record = await store.load('torture');
    const next = ((record?.cursor as Cursor | undefined)?.next ?? 0) + 1;
    const write = { sourceId: 'torture', sourceType: 'counter', origin: 'torture', cursorVersion: 1, writer };
    try {
      const state = { set: { [`by-${next}`]: writer } };
      await store.save({ ...write, cursor: { next }, state }, { expectedRevision: record?.revision ?? 0 });
      appendFileSync(join(directory, 'accepted.txt'), `${next}\n`);
      accepted += 1;
    } catch (error) {
      if (!CursorConflictError.isInstance(error)) throw error;
    }
  }
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  pages: (directory) => intoJsonl(directory, new Pages(options)),
  counting: (directory) => intoJsonl(directory, new Counting(options)),
  upstream: (directory) => intoJsonl(directory, new Upstream(directory)),
  autosaved,
  git: async (directory) =>
    intoJsonl(directory, await GitSource.create({ id: 'torture', config: { dir: join(directory, 'repository') } })),
  contended,
  files: async (directory) =>
    intoJsonl(directory, await FilesystemSource.create({ id: 'torture', config: { dir: join(directory, 'tree') } })),
  ...storeScenarios,
  ...logScenarios,
  ...databaseScenarios,
  ...announced({ ...githubReaders, ...slackReaders }),
  ...streamScenarios,
  ...webhookScenarios,
};
