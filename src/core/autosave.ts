import { isDeepStrictEqual } from 'node:util';
import type { CursorKeeper } from './cursor-keeper.js';
import { CursorError } from './errors.js';
import { acknowledgedCursor, type SourceRuntime } from './source-runtime.js';

/** How often the acknowledged frontier is saved while a source is iterated. */
export interface AutosavePolicy {
  /** Milliseconds between saves. Default 1,000. */
  everyMs?: number | undefined;
  /** Also when this many events were acknowledged since the last save. */
  everyEvents?: number | undefined;
}

const DEFAULT_EVERY_MS = 1_000;

/** Saves the acknowledged frontier of a running iteration: every so often, and when it is released. */
export class Autosaver {
  readonly #runtime: SourceRuntime;
  readonly #keeper: CursorKeeper;
  readonly #onError: (error: unknown) => void;
  readonly #everyMs: number;
  readonly #everyEvents: number;
  #savedAt: number;

  constructor(runtime: SourceRuntime, keeper: CursorKeeper, onError: (error: unknown) => void) {
    this.#runtime = runtime;
    this.#keeper = keeper;
    this.#onError = onError;
    this.#everyMs = runtime.autosave?.everyMs ?? DEFAULT_EVERY_MS;
    this.#everyEvents = runtime.autosave?.everyEvents ?? Number.POSITIVE_INFINITY;
    this.#savedAt = runtime.activity.acknowledged;
  }

  get savesByCount(): boolean {
    return this.#runtime.autosave?.everyEvents !== undefined;
  }

  start(signal: AbortSignal): void {
    if (this.#runtime.autosave === undefined) return;
    void this.#run(signal);
  }

  noteAcknowledged(): void {
    if (this.#runtime.activity.acknowledged - this.#savedAt < this.#everyEvents) return;
    this.#savedAt = this.#runtime.activity.acknowledged;
    void this.#try();
  }

  /** Rejects when it could not be saved. */
  async flush(): Promise<void> {
    if (this.#runtime.autosave !== undefined) await saveFrontier(this.#runtime, this.#keeper);
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#runtime.clock.sleep(this.#everyMs, signal);
      } catch {
        return;
      }
      await this.#try();
    }
  }

  /** A store that fails for the moment is tried again the next time; one that says no ends the iteration. */
  async #try(): Promise<void> {
    try {
      await this.flush();
    } catch (error) {
      if (CursorError.isInstance(error)) this.#onError(error);
      else this.#runtime.logger.warn({ error, sourceId: this.#runtime.id }, 'saving the cursor failed; trying again');
    }
  }
}

/** Saves the acknowledged frontier and the state that belongs to it, if there is anything new. */
export async function saveFrontier(runtime: SourceRuntime, keeper: CursorKeeper): Promise<void> {
  await keeper.exclusively(async () => {
    const cursor = acknowledgedCursor(runtime);
    if (isDeepStrictEqual(cursor, keeper.savedCursor) && !runtime.ledger.hasUnsaved) return;
    const changes = runtime.ledger.takeUnsaved();
    try {
      await keeper.save(cursor, changes);
    } catch (error) {
      runtime.ledger.putBack(changes);
      throw error;
    }
  });
}
