import { type DeadLetter, MemoryDeadLetterStore } from 'headwater';
import { testDeadLetterStore } from 'headwater/testing';
import { describe, expect, it } from 'vitest';

class Shared extends MemoryDeadLetterStore {
  readonly letters: DeadLetter[] = [];
  override async add(letters: readonly DeadLetter[]): Promise<void> {
    this.letters.push(...letters);
  }
  override async *list(sourceId?: string): AsyncGenerator<DeadLetter> {
    for (const letter of [...this.letters]) if (sourceId === undefined || letter.sourceId === sourceId) yield letter;
  }
}

/** One mistake each, and the case that has to find it. */
const planted: readonly [mistake: string, store: new () => MemoryDeadLetterStore, found: RegExp][] = [
  [
    'lists the letters of all sources for each',
    class extends MemoryDeadLetterStore {
      override list(): AsyncGenerator<DeadLetter> {
        return super.list();
      }
    },
    /^letters are listed as they were/,
  ],
  [
    'lists the newest first',
    class extends MemoryDeadLetterStore {
      override async *list(sourceId?: string): AsyncGenerator<DeadLetter> {
        const letters: DeadLetter[] = [];
        for await (const letter of super.list(sourceId)) letters.unshift(letter);
        yield* letters;
      }
    },
    /^letters are listed as they were/,
  ],
  [
    'removes all letters of an event',
    class extends MemoryDeadLetterStore {
      override async remove(letters: readonly DeadLetter[]): Promise<void> {
        const ids = new Set(letters.map(({ event }) => event.id));
        for await (const letter of super.list()) if (ids.has(letter.event.id)) await super.remove([letter]);
      }
    },
    /^what is removed is gone, and nothing else/,
  ],
  ['keeps what it was given, not a copy', Shared, /^nobody can change what is kept/],
  [
    'reads on by place while letters are removed',
    class extends MemoryDeadLetterStore {
      override async *list(sourceId?: string): AsyncGenerator<DeadLetter> {
        for (let at = 0; ; at += 1) {
          const letters: DeadLetter[] = [];
          for await (const letter of super.list(sourceId)) letters.push(letter);
          const next = letters[at];
          if (next === undefined) return;
          yield next;
        }
      }
    },
    /^letters may be removed while they are listed/,
  ],
  [
    'lists the first page only',
    class extends MemoryDeadLetterStore {
      override async *list(sourceId?: string): AsyncGenerator<DeadLetter> {
        let count = 0;
        for await (const letter of super.list(sourceId)) if (++count <= 1_000) yield letter;
      }
    },
    /^1,200 letters are all listed/,
  ],
  [
    'loses one of two that are added at once',
    class extends Shared {
      override async add(letters: readonly DeadLetter[]): Promise<void> {
        const before = [...this.letters];
        await new Promise((resolve) => setImmediate(resolve));
        this.letters.splice(0, this.letters.length, ...before, ...structuredClone(letters));
      }
    },
    /^letters that are added at once are all kept/,
  ],
  [
    'removes in memory alone',
    class extends MemoryDeadLetterStore {
      reopen = async (): Promise<MemoryDeadLetterStore> => this.everything;
      readonly everything = new MemoryDeadLetterStore();
      override async add(letters: readonly DeadLetter[]): Promise<void> {
        await super.add(letters);
        await this.everything.add(letters);
      }
    },
    /^another process sees/,
  ],
];

async function failuresOf(Store: new () => MemoryDeadLetterStore): Promise<string[]> {
  const create = async () => {
    const store = new Store();
    const { reopen } = store as { reopen?: () => Promise<MemoryDeadLetterStore> };
    return { store, ...(reopen && { reopen }) };
  };
  const failures: string[] = [];
  for (const { name, run } of testDeadLetterStore({ create })) {
    await run().catch((error: Error) => failures.push(`${name}: ${error.message}`));
  }
  return failures;
}

describe('the contract of dead letter stores', () => {
  it('accepts one that keeps every promise', async () => {
    expect(await failuresOf(MemoryDeadLetterStore)).toEqual([]);
  });

  it.each(planted)('rejects one that %s', async (_, Store, found) => {
    expect((await failuresOf(Store)).some((failure) => found.test(failure))).toBe(true);
  });

  it('has no case that none of them fails', () => {
    const names = testDeadLetterStore({ create: async () => ({ store: new MemoryDeadLetterStore() }) });
    expect(names.filter(({ name }) => !planted.some(([, , found]) => found.test(name)))).toEqual([]);
  });
});
