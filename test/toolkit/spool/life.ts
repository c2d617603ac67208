import type { Spool } from '../../../src/toolkit/spool/spool.js';

/** What a life tells on its way: what it is about to release, and what was promised. */
export interface Told {
  /** The key and the sequence of a record that is on the disk. */
  appended(key: string, sequence: number): void;
  releasing(sequence: number): void;
}

/** More keys than a journal may grow by before it is written anew. */
const MANY = 2_200;

/**
 * A short life of a spool of small segments that passes every fault point there is: groups, new segments, deleted ones,
 * keys that outlive them, and their compaction.
 */
export async function live(spool: Spool, told: Told): Promise<void> {
  const append = async (key: string): Promise<void> => {
    const { sequence } = await spool.append({ key, value: valueFor(key) });
    told.appended(key, sequence);
  };
  const release = (sequence: number): void => {
    told.releasing(sequence);
    spool.release(sequence);
  };
  await Promise.all(['a', 'b', 'c'].map(append));
  await append('d');
  release(2);
  await append('e');
  await Promise.all(['f', 'g'].map(append));
  release(4);
  await deletedThrough(spool, 4);
  await append('h');
  await Promise.all(Array.from({ length: MANY }, (_, index) => append(`${'many'.repeat(25)}-${index}`)));
  await append('i');
  release(8 + MANY);
  await deletedThrough(spool, 8 + MANY);
  await append('j');
  await spool.close();
}

/** What a record with this key holds. */
export function valueFor(key: string): string {
  return `value of ${key} `.padEnd(60, '.');
}

export const SMALL = { maxSegmentBytes: 300 };

/** Waits until the segments up to this sequence are gone. */
export async function deletedThrough(spool: Spool, sequence: number): Promise<void> {
  while (spool.stats.firstSequence <= sequence) await new Promise((resolve) => setImmediate(resolve));
}
