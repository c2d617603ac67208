import fc from 'fast-check';
import { EventRouter, ingest, MemoryDeadLetterStore, RetryableError, type SourceEvent } from 'headwater';
import { describe, expect, it, test } from 'vitest';
import { compileMask } from '../../src/pipeline/event-mask.js';
import { counting } from '../support/test-sources.js';

const event = (type: string, more: Partial<SourceEvent> = {}): SourceEvent => {
  return { specversion: '1.0', id: type, source: '/s', type, sourceid: 's', sourcetype: 'test', data: {}, ...more };
};
const batch = (...events: SourceEvent[]) => ({ events, signal: new AbortController().signal });

test.each([
  ['github.push', 'github.push', true],
  ['github/push', 'github.push', true],
  ['github.*', 'github.push', true],
  ['github.*', 'github.issue.created', false],
  ['github.**', 'github.issue.created', true],
  ['github.**', 'github', true],
  ['**.created', 'github.issue.created', true],
  ['**.created', 'created', true],
  ['*.created', 'github.issue.created', false],
  ['**', 'anything.at.all', true],
  ['a.**.z', 'a.z', true],
  ['a.**.z', 'a.b.c.z', true],
  ['a.**.z', 'a.b.c', false],
  ['github', 'github.push', false],
  ['github.p*', 'github.push', false],
])('the mask %s takes %s: %s', (mask, type, expected) => {
  expect(compileMask(mask)(type)).toBe(expected);
});

test('masks agree with the regular expression they stand for', () => {
  const part = fc.constantFrom('a', 'b', '*', '**');
  const name = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), name, (parts, segments) => {
      const pattern = parts
        .map((one) => (one === '**' ? '(?:[^.]+\\.)*' : one === '*' ? '[^.]+\\.' : `${one}\\.`))
        .join('');
      const expected = new RegExp(`^${pattern}$`).test(`${segments.join('.')}.`);
      expect(compileMask(parts.join('.'))(segments.join('.'))).toBe(expected);
    }),
  );
});

test('a mask made to be slow is not', () => {
  expect(compileMask(`${'**.a.'.repeat(200)}b`)('a.'.repeat(500))).toBe(false);
});

describe('EventRouter', () => {
  it('gives each event to all who asked for it, in their order', async () => {
    const router = new EventRouter();
    const calls: string[] = [];
    router.on('git.*', ({ type }) => void calls.push(`first ${type}`));
    router.on({ sourcetype: 'test', type: '**' }, async ({ type }) => void calls.push(`second ${type}`));
    router.on({ sourceid: 'other' }, () => void calls.push('other'));
    await router.write(batch(event('git.commit'), event('file.created')));
    expect(calls).toEqual(['first git.commit', 'second git.commit', 'second file.created']);
  });

  it('a handler that was taken away is not called any more, also within the event at hand', async () => {
    const router = new EventRouter();
    const calls: string[] = [];
    router.on('**', () => remove());
    const remove = router.on('**', () => void calls.push('removed'));
    router.on('**', () => void calls.push('kept'));
    await router.write(batch(event('a'), event('b')));
    expect(calls).toEqual(['kept', 'kept']);
  });

  it('counts what nobody asked for', async () => {
    const router = new EventRouter();
    router.on('a', () => {});
    await router.write(batch(event('a'), event('b'), event('headwater.gap')));
    expect(router.unhandled).toBe(2);
  });

  it('one that fails does not stop the others, and is alone when the batch comes again', async () => {
    const router = new EventRouter();
    const calls: string[] = [];
    let fails = 2;
    router.on('**', ({ id }) => {
      calls.push(`first ${id}`);
      if (id === 'b' && fails-- > 0) throw new RetryableError('not now');
    });
    router.on('**', ({ id }) => void calls.push(`second ${id}`));
    const all = batch(event('a'), event('b'), event('c'));
    await expect(router.write(all)).rejects.toThrow('not now');
    await expect(router.write(all)).rejects.toThrow('not now');
    await router.write(all);
    expect(calls.filter((call) => call === 'first b')).toHaveLength(3);
    for (const call of ['first a', 'first c', 'second a', 'second b', 'second c']) {
      expect(calls.filter((one) => one === call)).toHaveLength(1);
    }
  });

  it('with onError the event counts as delivered', async () => {
    const told: unknown[] = [];
    const router = new EventRouter({ onError: (error, { id }) => void told.push([id, (error as Error).message]) });
    router.on('**', () => Promise.reject(new Error('broken')));
    await router.write(batch(event('a')));
    expect(told).toEqual([['a', 'broken']]);
  });

  it('is a sink: what a handler cannot take goes to the dead letters, and each handler has each other event once', async () => {
    const router = new EventRouter();
    const seen: number[] = [];
    router.on('test.*', ({ data }) => {
      const { n } = data as { n: number };
      if (n === 3) throw new Error('three');
      seen.push(n);
    });
    const deadLetters = new MemoryDeadLetterStore();
    const report = await ingest({ source: counting(6), sink: router, deadLetters, retry: { retries: 0 } });
    expect(report).toMatchObject({ status: 'partial', deadLettered: 1 });
    expect(seen.sort()).toEqual([1, 2, 4, 5, 6]);
  });
});
