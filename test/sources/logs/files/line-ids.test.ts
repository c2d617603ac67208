import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineIds } from '../../../../src/sources/logs/files/line-ids.js';

const offset = fc.oneof(
  fc.nat(2_100),
  fc.constantFrom(0, 9, 99, 999, 1_000, 1_001, 9_999, 10_000, 999_999, 1_000_000),
  fc.maxSafeNat(),
);

test('an id is the key and the byte, for offsets in any order', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(offset), (key, starts) => {
      const idOf = lineIds(key);
      expect(starts.map(idOf)).toEqual(starts.map((start) => `${key}:${start}`));
    }),
  );
});

test('an id has the digits of its byte at each thousand', () => {
  const idOf = lineIds('k');
  expect([998, 999, 1_000, 1_001, 1_999, 2_000, 1_000].map(idOf)).toEqual([
    'k:998',
    'k:999',
    'k:1000',
    'k:1001',
    'k:1999',
    'k:2000',
    'k:1000',
  ]);
});
