import assert from 'node:assert/strict';
import type { DeadLetter, DeadLetterStore } from '../../pipeline/dead-letters/dead-letter.js';
import type { Statement } from '../contract-case.js';

/** A store with nothing in it. */
export interface OpenedDeadLetterStore {
  readonly store: DeadLetterStore<unknown>;
  /** Another store over the same data, as another process has it. Absent where the data lives in the store itself. */
  reopen?(): Promise<DeadLetterStore<unknown>>;
  /** Called when the case is over. */
  close?(): Promise<void>;
}

const HOSTILE = JSON.parse('{"__proto__":{"polluted":true},"text":"\\u0000\\ud800😀\'\\"%s $1\\n"}') as unknown;

export const deadLetterCases: readonly Statement<OpenedDeadLetterStore>[] = [
  {
    name: 'letters are listed as they were, oldest first, of all sources or of one',
    async check({ store }) {
      assert.deepEqual(await listed(store), [], 'a store with nothing in it lists something');
      const letters = [
        letterOf(1),
        letterOf(2, 'other'),
        { ...letterOf(3), event: { ...letterOf(3).event, data: HOSTILE } },
      ];
      await store.add(letters.slice(0, 2));
      await store.add([]);
      await store.add(letters.slice(2));
      assert.deepEqual(await listed(store), letters, 'what is listed differs from what was added');
      assert.deepEqual(await listed(store, 'other'), [letters[1]], 'the letters of one source are not those');
      assert.deepEqual(await listed(store, 'unknown'), [], 'a source without letters has some');
    },
  },
  {
    name: 'what is removed is gone, and nothing else; it may come again',
    async check({ store }) {
      const later = { ...letterOf(2), at: timeOf(50) };
      const letters = [letterOf(1), letterOf(2), letterOf(2, 'other'), later];
      await store.add(letters);
      await store.remove([letterOf(2), letterOf(99)]);
      assert.deepEqual(
        await listed(store),
        [letters[0], letters[2], later],
        'another letter is gone, or the same is there',
      );
      const again = { ...letterOf(2), at: timeOf(60) };
      await store.add([again]);
      assert.deepEqual((await listed(store)).at(-1), again, 'what was removed cannot come again');
      await store.remove(await listed(store));
      assert.deepEqual(await listed(store), [], 'a letter stays though it was removed');
    },
  },
  {
    name: 'nobody can change what is kept',
    async check({ store }) {
      const own = letterOf(1);
      await store.add([own]);
      own.attempts = 99;
      for (const found of await listed(store)) found.error.message = 'changed';
      assert.deepEqual(await listed(store), [letterOf(1)], 'what is kept was changed from outside');
    },
  },
  {
    name: 'letters may be removed while they are listed',
    async check({ store }) {
      await store.add([letterOf(1), letterOf(2), letterOf(3)]);
      const seen: string[] = [];
      for await (const found of store.list()) {
        seen.push(found.event.id);
        await store.remove([found]);
      }
      assert.deepEqual(seen, ['event-1', 'event-2', 'event-3'], 'removing one hides another');
      assert.deepEqual(await listed(store), [], 'a letter stays though it was removed');
    },
  },
  {
    name: '1,200 letters are all listed, in their order, and all removed',
    async check({ store }) {
      const letters = Array.from({ length: 1_200 }, (_, index) => letterOf(index));
      await store.add(letters);
      assert.deepEqual(await listed(store), letters, 'not all are listed, or not in their order');
      await store.remove(letters);
      assert.deepEqual(await listed(store), [], 'not all were removed');
    },
  },
  {
    name: 'letters that are added at once are all kept',
    async check({ store }) {
      await Promise.all(Array.from({ length: 8 }, (_, index) => store.add([letterOf(index), letterOf(index + 10)])));
      assert.equal((await listed(store)).length, 16, 'a letter is lost that was added beside another');
    },
  },
  {
    name: 'another process sees what was added and what was removed',
    async check({ store, reopen }) {
      await store.add([letterOf(1), letterOf(2)]);
      await store.remove([letterOf(1)]);
      const other = (await reopen?.()) ?? store;
      assert.deepEqual(await listed(other), [letterOf(2)], 'another process sees something else');
    },
  },
];

async function listed(store: DeadLetterStore<unknown>, sourceId?: string): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for await (const letter of store.list(sourceId)) letters.push(letter);
  return letters;
}

function timeOf(second: number): string {
  return new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString();
}

/** The later the number, the later it was given up. */
function letterOf(number: number, sourceId = 'a'): DeadLetter {
  const event = {
    specversion: '1.0',
    id: `event-${number}`,
    source: '/test/a',
    type: 'test.item',
    sourceid: sourceId,
    sourcetype: 'test',
    data: { number },
  } as const;
  const error = { name: 'Error', code: 'E_TEST', message: `it was refused: "${number}"` };
  return { sourceId, event, error, attempts: 3, at: timeOf(number) };
}
