import { describe, expect, it } from 'vitest';
import type { CursorRecord, CursorWrite, LeaseOptions, SaveOptions } from '../../src/core/cursor-store.js';
import { MemoryCursorStore } from '../../src/cursors/memory/index.js';
import { type CursorStoreHarness, testCursorStore } from '../../src/testing/cursor-store-contract.js';
import { FakeClock } from '../../src/testing/fake-clock.js';

/** Replaces what is there, whatever was expected. */
class Overwriting extends MemoryCursorStore {
  override async save(write: CursorWrite, options: SaveOptions): Promise<CursorRecord> {
    const expectedRevision = (await this.load(write.sourceId))?.revision ?? 0;
    return super.save(write, { ...options, expectedRevision });
  }
}

/** Checks, waits, and only then writes. */
class Racing extends Overwriting {
  override async save(write: CursorWrite, options: SaveOptions): Promise<CursorRecord> {
    const found = (await this.load(write.sourceId))?.revision ?? 0;
    await new Promise((resolve) => setImmediate(resolve));
    if (found !== options.expectedRevision) return MemoryCursorStore.prototype.save.call(this, write, options);
    return super.save(write, options);
  }
}

/** Writes the state first, the cursor after it. */
class StateFirst extends MemoryCursorStore {
  readonly #early = new Map<string, unknown>();

  override async save(write: CursorWrite, options: SaveOptions): Promise<CursorRecord> {
    for (const [key, value] of Object.entries(write.state?.set ?? {})) this.#early.set(key, value);
    return super.save(write, options);
  }

  override async *loadState(): AsyncGenerator<[string, unknown]> {
    yield* this.#early;
  }
}

class Sharing extends MemoryCursorStore {
  #last: CursorRecord | undefined;

  override async save(write: CursorWrite, options: SaveOptions): Promise<CursorRecord> {
    const saved = await super.save(write, options);
    this.#last = { ...saved, cursor: write.cursor };
    return this.#last;
  }

  override async load(sourceId: string): Promise<CursorRecord | undefined> {
    const loaded = await super.load(sourceId);
    return loaded === undefined ? undefined : this.#last;
  }
}

class WithoutPrefix extends MemoryCursorStore {
  override loadState(sourceId: string): AsyncGenerator<[string, unknown]> {
    return super.loadState(sourceId);
  }
}

class CaseBlind extends MemoryCursorStore {
  override save(write: CursorWrite, options: SaveOptions): Promise<CursorRecord> {
    return super.save({ ...write, sourceId: write.sourceId.toLowerCase() }, options);
  }
}

class Unfenced extends MemoryCursorStore {
  override save(write: CursorWrite, { expectedRevision }: SaveOptions): Promise<CursorRecord> {
    return super.save(write, { expectedRevision });
  }
}

class Shareable extends MemoryCursorStore {
  override lease(sourceId: string, { ttlMs }: LeaseOptions) {
    return super.lease(`${sourceId} ${Math.random()}`, { ttlMs, holder: 'anybody' });
  }
}

class Forgetting extends MemoryCursorStore {
  override async history(): Promise<CursorRecord[]> {
    return [];
  }
}

class Undeletable extends MemoryCursorStore {
  override async delete(): Promise<void> {}
}

describe('the contract of cursor stores refuses', () => {
  it.each([
    Overwriting,
    Racing,
    StateFirst,
    Sharing,
    WithoutPrefix,
    CaseBlind,
    Unfenced,
    Shareable,
    Forgetting,
    Undeletable,
  ])('a store that is %o', async (Broken) => {
    const create = async () => {
      const clock = new FakeClock();
      return { store: new Broken({ clock }), advance: (milliseconds: number) => clock.advance(milliseconds) };
    };
    expect(await failuresOf({ create })).not.toEqual([]);
  });
});

describe('testCursorStore', () => {
  const create = async () => ({ store: new MemoryCursorStore() });

  it('leaves out what the store does not have, and says so', () => {
    const cases = testCursorStore({ create, leases: false, history: false });
    const skipped = cases.filter((one) => one.skipped !== undefined);
    expect(new Set(skipped.map((one) => one.skipped))).toEqual(
      new Set(['the store has no leases', 'the store has no history']),
    );
    expect(cases.length).toBeGreaterThan(skipped.length);
  });

  it('skips a case for a reason, and no case that does not exist', async () => {
    const [first] = testCursorStore({ create });
    const skip = [{ case: first?.name ?? '', reason: 'because' }];
    const untouched = () => Promise.reject(new Error('it ran'));
    const [skipped] = testCursorStore({ create: untouched, skip });
    expect(skipped).toMatchObject({ skipped: 'because' });
    await skipped?.run();
    expect(() => testCursorStore({ create, skip: [{ case: 'misspelt', reason: '' }] })).toThrow(/no case "misspelt"/);
  });

  it('closes every store it opened, also when a case fails', async () => {
    let open = 0;
    const counted = async () => {
      open += 1;
      const close = async (): Promise<void> => {
        open -= 1;
      };
      return { store: new Undeletable(), close };
    };
    await failuresOf({ create: counted, leases: false });
    expect(open).toBe(0);
  });
});

async function failuresOf(harness: CursorStoreHarness): Promise<string[]> {
  const failures: string[] = [];
  for (const { name, run } of testCursorStore(harness)) await run().catch(() => failures.push(name));
  return failures;
}
