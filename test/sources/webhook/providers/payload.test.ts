import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  digestOf,
  part,
  parts,
  readObject,
  rfc3339,
  text,
  timeOfSeconds,
  typePath,
  typeWord,
} from '../../../../src/sources/webhook/payload.js';
import { request } from './request.js';

describe('payloads', () => {
  it('are read by own members only', () => {
    const payload = readObject(request({ body: '{"__proto__":{"a":"b"},"c":{"d":"e"},"f":[{"g":1},2,null]}' }), 'X');
    expect(text(payload, 'toString')).toBeUndefined();
    expect(part(payload, 'constructor')).toBeUndefined();
    expect(text(payload, 'a')).toBeUndefined();
    expect(text(part(payload, '__proto__'), 'a')).toBe('b');
    expect(text(part(payload, 'c'), 'd')).toBe('e');
    expect(parts(payload, 'f')).toEqual([{ g: 1 }]);
    expect(parts(payload, 'c')).toEqual([]);
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  });

  it('have digests that differ however texts are put together', () => {
    const texts = fc.array(fc.string({ unit: 'grapheme' }));
    fc.assert(
      fc.property(texts, texts, (one, other) => {
        const areSame = one.length === other.length && one.every((each, at) => each === other[at]);
        expect(digestOf(...one) === digestOf(...other)).toBe(areSame);
      }),
    );
    expect(digestOf('ab', 'c')).not.toBe(digestOf('a', 'bc'));
    expect(digestOf('1:a')).not.toBe(digestOf('', 'a'));
  });

  it('name types by words that need no quotes', () => {
    expect(typeWord('STARTED')).toBe('started');
    for (const word of ['', 'a b', 'a.b', '../a', '1a', 'é', 'a'.repeat(65), 7, undefined, null, {}]) {
      expect(typeWord(word)).toBeUndefined();
    }
    expect(typePath('v2.core.account[requirements].updated')).toBe('v2.core.account[requirements].updated');
    for (const path of ['', 'a b', 'a\n', 'é', 'a'.repeat(256), 7]) expect(typePath(path)).toBeUndefined();
  });

  it('have times of RFC 3339, or none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.integer(), fc.constant(undefined)), (seconds) => {
        const time = timeOfSeconds(seconds);
        if (time !== undefined) expect(rfc3339(time)).toBe(time);
      }),
    );
    expect(timeOfSeconds(1_767_323_045)).toBe('2026-01-02T03:04:05.000Z');
    for (const none of [Number.NaN, Number.POSITIVE_INFINITY, -1e15, 1e15, undefined]) {
      expect(timeOfSeconds(none)).toBeUndefined();
    }
    expect(rfc3339('2026-01-02T03:04:05.123456789+02:00')).toBe('2026-01-02T03:04:05.123456789+02:00');
    for (const none of ['2026-01-02', 'yesterday', '2026-13-02T03:04:05Z', '2026-01-02T03:04:05', undefined]) {
      expect(rfc3339(none)).toBeUndefined();
    }
  });
});
