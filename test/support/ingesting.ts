import type {
  CursorRecord,
  CursorStore,
  CursorWrite,
  DeadLetter,
  DeadLetterStore,
  IngestReport,
  SaveOptions,
} from 'headwater';
import { MemoryCursorStore, MemoryDeadLetterStore } from 'headwater';
import { numberOf } from './observing.js';
import type { TestEvent } from './test-sources.js';

/** Retries that wait for nobody. */
export const atOnce = { minDelayMs: 0, maxDelayMs: 0, factor: 1 };

/** The numbers of a batch. */
export function numbersOf(batch: { readonly events: readonly TestEvent[] }): (number | 'gap')[] {
  return batch.events.map(numberOf);
}

export type RunFailure = Error & { report: IngestReport; code?: string; cause?: unknown };

/** What a run rejects with. */
export async function failureOf(run: Promise<unknown>): Promise<RunFailure> {
  const outcome = await run.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('value' in outcome) throw new Error(`did not fail: ${JSON.stringify(outcome.value)}`);
  return outcome.error as RunFailure;
}

/** A store that tells of every save before it is made, so that a test may note it, hold it up or make it fail. */
export class ObservedStore implements CursorStore {
  readonly #store = new MemoryCursorStore();
  readonly saves: CursorWrite[] = [];
  beforeSave: (write: CursorWrite) => void | Promise<void> = () => {};
  afterSave: (write: CursorWrite) => void | Promise<void> = () => {};

  load(sourceId: string): Promise<CursorRecord | undefined> {
    return this.#store.load(sourceId);
  }

  async save(write: CursorWrite, options: SaveOptions): Promise<CursorRecord> {
    await this.beforeSave(write);
    const record = await this.#store.save(write, options);
    this.saves.push(structuredClone(write));
    await this.afterSave(write);
    return record;
  }

  delete(sourceId: string): Promise<void> {
    return this.#store.delete(sourceId);
  }

  list(): Promise<CursorRecord[]> {
    return this.#store.list();
  }

  loadState(sourceId: string, prefix?: string): AsyncIterable<[key: string, value: unknown]> {
    return this.#store.loadState(sourceId, prefix);
  }

  async cursor(sourceId = 'test'): Promise<unknown> {
    return (await this.load(sourceId))?.cursor;
  }

  async state(sourceId = 'test'): Promise<Record<string, unknown>> {
    return stateIn(this, sourceId);
  }
}

export async function stateIn(store: CursorStore<never>, sourceId: string): Promise<Record<string, unknown>> {
  const state: Record<string, unknown> = {};
  for await (const [key, value] of store.loadState(sourceId)) state[key] = value;
  return state;
}

/** Dead letters that a test may look at, or refuse. */
export class ObservedLetters implements DeadLetterStore {
  readonly #store = new MemoryDeadLetterStore();
  beforeAdd: (letters: readonly DeadLetter[]) => void | Promise<void> = () => {};

  async add(letters: readonly DeadLetter[]): Promise<void> {
    await this.beforeAdd(letters);
    await this.#store.add(letters);
  }

  list(sourceId?: string): AsyncIterable<DeadLetter> {
    return this.#store.list(sourceId);
  }

  remove(letters: readonly DeadLetter[]): Promise<void> {
    return this.#store.remove(letters);
  }

  async all(): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for await (const letter of this.list()) letters.push(letter);
    return letters;
  }

  async numbers(): Promise<number[]> {
    return (await this.all()).map(({ event }) => (event.data as { n: number }).n);
  }
}
