import { describe, expect, it } from 'vitest';
import { inParallel } from '../../src/toolkit/in-parallel.js';

/** Items that come when they are told to. */
class Sequence implements AsyncIterable<string> {
  readonly name: string;
  readonly length: number;
  made = 0;
  isEnded = false;

  constructor(name: string, length: number) {
    this.name = name;
    this.length = length;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    try {
      while (this.made < this.length) {
        await Promise.resolve();
        this.made += 1;
        yield `${this.name}${this.made}`;
      }
    } finally {
      this.isEnded = true;
    }
  }
}

describe('inParallel', () => {
  it('brings everything, of each sequence in its order', async () => {
    const sequences = ['a', 'b', 'c'].map((name) => new Sequence(name, 5));
    const items: string[] = [];
    for await (const item of inParallel(sequences, 2)) items.push(item);
    expect(items).toHaveLength(15);
    for (const name of ['a', 'b', 'c']) {
      expect(items.filter((item) => item.startsWith(name))).toEqual([1, 2, 3, 4, 5].map((number) => name + number));
    }
  });

  it('has no more under way than is said, and makes one item of each ahead', async () => {
    const sequences = Array.from({ length: 6 }, (_, index) => new Sequence(`${index}:`, 10));
    const items = inParallel(sequences, 2);
    for (let count = 0; count < 12; count += 1) {
      const { value } = await items.next();
      await new Promise((resolve) => setImmediate(resolve));
      const underWay = sequences.filter(({ made, isEnded }) => made > 0 && !isEnded);
      expect(underWay.length).toBeLessThanOrEqual(2);
      const of = sequences.find(({ name }) => value?.startsWith(name));
      expect(of?.made).toBeLessThanOrEqual(Number(value?.split(':')[1]) + 1);
    }
    await items.return();
  });

  it('whoever leaves early leaves nothing running', async () => {
    const sequences = ['a', 'b', 'c'].map((name) => new Sequence(name, 5));
    for await (const _ of inParallel(sequences, 3)) break;
    expect(sequences.every(({ isEnded, made }) => isEnded || made === 0)).toBe(true);
  });

  it('the first error ends all of them', async () => {
    const good = new Sequence('good', 1_000_000);
    async function* bad(): AsyncGenerator<string> {
      yield 'bad';
      throw new Error('broken');
    }
    const items: string[] = [];
    const reading = (async () => {
      for await (const item of inParallel([good, bad()], 2)) items.push(item);
    })();
    await expect(reading).rejects.toThrow('broken');
    expect(items).toContain('bad');
    expect(good.isEnded).toBe(true);
  });

  it('takes sequences as they are found, and an error of the finding', async () => {
    async function* found(): AsyncGenerator<AsyncIterable<string>> {
      yield new Sequence('a', 2);
      throw new Error('lost');
    }
    const items: string[] = [];
    const reading = (async () => {
      for await (const item of inParallel(found(), 1)) items.push(item);
    })();
    await expect(reading).rejects.toThrow('lost');
    expect(items).toEqual(['a1', 'a2']);
  });

  it('of nothing comes nothing', async () => {
    for await (const _ of inParallel<string>([], 3)) expect.unreachable();
  });
});
