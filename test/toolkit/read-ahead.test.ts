import { describe, expect, it } from 'vitest';
import { readAhead } from '../../src/toolkit/read-ahead.js';

async function* numbers(log: string[], count: number, failAt?: number): AsyncGenerator<number> {
  try {
    for (let number = 1; number <= count; number += 1) {
      if (number === failAt) throw new Error(`failed at ${number}`);
      log.push(`read ${number}`);
      yield number;
    }
  } finally {
    log.push('released');
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('readAhead', () => {
  it('has the next item on its way while one is worked on, and never more', async () => {
    const log: string[] = [];
    for await (const number of readAhead(numbers(log, 4))) {
      await turn();
      log.push(`used ${number}`);
    }
    expect(log).toEqual(['read 1', 'read 2', 'used 1', 'read 3', 'used 2', 'read 4', 'used 3', 'released', 'used 4']);
  });

  it('delivers what came before an error, then the error', async () => {
    const seen: number[] = [];
    const reading = (async () => {
      for await (const number of readAhead(numbers([], 5, 3))) {
        await turn();
        seen.push(number);
      }
    })();
    await expect(reading).rejects.toThrow('failed at 3');
    expect(seen).toEqual([1, 2]);
  });

  it('releases the items when the reader leaves early, also when the item on its way fails', async () => {
    const log: string[] = [];
    for await (const _number of readAhead(numbers(log, 5, 2))) {
      await turn();
      break;
    }
    expect(log.at(-1)).toBe('released');
  });
});
