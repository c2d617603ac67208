import { ingest, MemoryCursorStore, RetryableError, SkippableError } from 'headwater';
import { describe, expect, it } from 'vitest';
import { atOnce, numbersOf } from '../support/ingesting.js';
import { BatchSource, type TestBatch } from '../support/test-sources.js';

const upstream = {
  kind: 'pull',
  delivery: 'at-least-once',
  position: 'upstream',
  ids: 'stable',
  deletes: false,
  setsAside: true,
} as const;

/** Two batches of five, and what upstream heard of them, in order. */
class Broker extends BatchSource {
  override readonly capabilities = upstream;
  readonly heard: string[];

  constructor({ failures = 0, keeps = true } = {}) {
    const heard: string[] = [];
    let left = failures;
    const batch = (source: BatchSource, from: number): TestBatch => ({
      events: source.items(from, from + 4),
      settle: (count) => void (count > 0 && heard.push(`settled ${from + count - 1}`)),
      ...(keeps && {
        setAside: async (index: number, { error, attempts }: { error: unknown; attempts: number }) => {
          if (left > 0) {
            left -= 1;
            throw new RetryableError('not now');
          }
          heard.push(`aside ${from + index}: ${(error as Error).message}, ${attempts}`);
        },
      }),
    });
    super(async function* (source) {
      yield batch(source, 1);
      yield batch(source, 6);
    });
    this.heard = heard;
  }
}

const refusing =
  (...poisons: number[]) =>
  async (batch: { events: readonly unknown[] }): Promise<void> => {
    if (numbersOf(batch as never).some((n) => poisons.includes(Number(n)))) throw new SkippableError('poison');
  };

describe("deadLetters: 'upstream'", () => {
  it('is told of each event before its batch is acknowledged, wherever it is', async () => {
    const source = new Broker();
    const report = await ingest({ source, sink: refusing(1, 5, 8), deadLetters: 'upstream', maxDeadLetterRatio: 1 });
    expect(report).toMatchObject({ status: 'partial', read: 10, written: 7, deadLettered: 3 });
    expect(source.heard.filter((line) => line.startsWith('aside'))).toHaveLength(3);
    expect(source.heard.map((line) => line.replace(/:.*/, ''))).toEqual([
      'aside 1',
      'aside 5',
      'aside 8',
      'settled 5',
      'settled 10',
    ]);
    expect(source.heard[0]).toMatch(/poison, \d$/);
  });

  it('with batches of another size than those of the source', async () => {
    const source = new Broker();
    const report = await ingest({
      source,
      sink: refusing(4, 7),
      deadLetters: 'upstream',
      maxDeadLetterRatio: 1,
      batch: { maxEvents: 3 },
    });
    expect(report).toMatchObject({ written: 8, deadLettered: 2 });
    const order = source.heard.map((line) => line.replace(/:.*/, ''));
    expect(order.indexOf('aside 4')).toBeLessThan(order.indexOf('settled 5'));
    expect(order.indexOf('aside 7')).toBeLessThan(order.indexOf('settled 10'));
  });

  it('is tried again when it fails, and nothing is acknowledged meanwhile', async () => {
    const source = new Broker({ failures: 2 });
    await ingest({ source, sink: refusing(3), deadLetters: 'upstream', retry: atOnce });
    expect(source.heard[0]).toMatch(/^aside 3/);
    const failing = new Broker({ failures: 100 });
    const run = ingest({
      source: failing,
      sink: refusing(3),
      deadLetters: 'upstream',
      retry: { ...atOnce, retries: 1 },
    });
    await expect(run).rejects.toThrow('not now');
    expect(failing.heard).toEqual([]);
  });

  it('hears nothing of a dry run', async () => {
    const source = new Broker();
    const transform = (): never => {
      throw new SkippableError('no');
    };
    const options = { source, sink: async () => {}, deadLetters: 'upstream' as const, maxDeadLetterRatio: 1 };
    const report = await ingest({ ...options, transform, dryRun: true });
    expect(report.deadLettered).toBe(10);
    expect(source.heard).toEqual([]);
  });

  it('is refused where a source has no place for it, at once; and where it only says so, nothing is lost', async () => {
    const plain = new BatchSource(async function* (source) {
      yield { events: source.items(1, 2) };
    });
    await expect(ingest({ source: plain, sink: refusing(1), deadLetters: 'upstream' })).rejects.toMatchObject({
      name: 'ConfigError',
      problems: [{ code: 'NO_UPSTREAM_DEAD_LETTERS' }],
    });
    const liar = new Broker({ keeps: false });
    const cursorStore = new MemoryCursorStore();
    const run = ingest({ source: liar, sink: refusing(2), deadLetters: 'upstream', cursorStore, retry: atOnce });
    await expect(run).rejects.toMatchObject({ code: 'NOT_SET_ASIDE' });
    expect(liar.heard).not.toContain('settled 5');
  });
});
