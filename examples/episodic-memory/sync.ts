import { EventSourceFactory, type SourceSpec } from 'headwater';
import { cacheSource } from 'headwater/cache';
import { KyselyCursorStore } from 'headwater/cursors/kysely';
import { type ManagedStatus, SourceManager } from 'headwater/manager';
import { builtinSources } from 'headwater/sources';
import type { Kysely } from 'kysely';
import type { Tables } from './database.js';
import { type Episode, toEpisodes } from './episode.js';
import { JournalSource } from './journal.js';
import type { Memory } from './memory.js';
import { environmentCredentials, type Settings } from './settings.js';

const EPISODES_AT_ONCE = 200;

/** Brings what is new from all sources into the memory: side by side, each episode exactly once. */
export class Sync {
  readonly #specs: readonly SourceSpec[];
  readonly #database: Kysely<Tables>;
  readonly #memory: Memory;
  readonly #cursors: KyselyCursorStore<Tables>;
  readonly #factory = new EventSourceFactory({
    sources: { ...builtinSources, journal: JournalSource },
    credentials: environmentCredentials,
  });

  constructor({ sources }: Settings, database: Kysely<Tables>, memory: Memory) {
    this.#specs = sources.filter(({ enabled }) => enabled !== false);
    this.#database = database;
    this.#memory = memory;
    this.#cursors = new KyselyCursorStore(database);
  }

  /** Resolves with what became of each source, when all have caught up or the signal has stopped them. */
  async run({ follow, signal }: { follow: boolean; signal: AbortSignal }): Promise<readonly ManagedStatus[]> {
    const manager = new SourceManager({
      // One that fails is made and run again, about 1, 2 and 4 seconds later, where it was; the others go on.
      restart: { retries: 3 },
      cursorStore: this.#cursors,
      // Episodes and cursor in one transaction: each is remembered exactly once.
      cursor: 'in-sink',
      batch: { maxEvents: EPISODES_AT_ONCE },
      follow,
      sink: (batch) =>
        this.#database.transaction().execute(async (transaction) => {
          await this.#memory.remember(toEpisodes(batch.events), transaction);
          await batch.saveCursor(transaction);
        }),
      onStatus: ({ id, state, error }) => {
        if (state === 'waiting' || state === 'failed') console.warn(`${id}: ${state}: ${error?.message}`);
      },
    });
    for (const spec of this.#specs) manager.add({ id: spec.id, create: () => this.#factory.createFromSpec(spec) });
    signal.addEventListener('abort', () => void manager.stop(), { once: true });
    await manager.start();
    await manager.ended();
    return manager.status();
  }

  /** What a source holds, by kind, and the last of it: read twice, asked of upstream once. Nothing is stored. */
  async preview(id: string, most: number): Promise<{ counts: ReadonlyMap<string, number>; last: readonly Episode[] }> {
    const spec = this.#specs.find((each) => each.id === id);
    if (spec === undefined) throw new Error(`there is no source "${id}" in the settings`);
    await using source = cacheSource(await this.#factory.createFromSpec(spec), { ttlMs: 60_000 });
    const counts = new Map<string, number>();
    let events = 0;
    for await (const event of source.generateEvents({ acknowledge: false })) {
      events += 1;
      for (const { kind } of toEpisodes([event])) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    const last: Episode[] = [];
    for await (const event of source.generateEvents({ acknowledge: false })) {
      events -= 1;
      if (events < most) last.push(...toEpisodes([event]));
    }
    return { counts, last };
  }
}
