import fc from 'fast-check';
import { BSON, Decimal128, Long, ObjectId, Timestamp, UUID } from 'mongodb';
import { expect, it } from 'vitest';
import { ExactText, groupOf, keyText, toDocument, toValue } from '../../../src/sources/mongodb/values.js';

const exact = new ExactText(BSON);

const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => Long.fromBigInt(value));
const decimal = fc
  .tuple(fc.bigInt({ min: 0n, max: 10n ** 34n - 1n }), fc.integer({ min: -6_000, max: 6_000 }))
  .map(([digits, exponent]) => Decimal128.fromString(`${digits}E${exponent}`));
const objectId = fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => new ObjectId(bytes));
const uuid = fc.uuid().map((text) => new UUID(text));
const stamp = fc
  .tuple(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 0, max: 0xffff_ffff }))
  .map(([t, i]) => new Timestamp({ t, i }));
const date = fc.date({ noInvalidDate: true });
const key = fc.oneof(
  long,
  decimal,
  objectId,
  uuid,
  stamp,
  date,
  fc.string(),
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.maxSafeInteger(),
);

it('DB3: a value in a cursor is the same value again, to the last digit and of the same type', () => {
  fc.assert(
    fc.property(key, (value) => {
      const text = exact.write(value);
      const again = exact.read(JSON.parse(JSON.stringify(text)) as string);
      expect(BSON.serialize({ v: again })).toEqual(BSON.serialize({ v: value }));
      expect(exact.write(again)).toBe(text);
      expect(groupOf(again)).toBe(groupOf(value));
    }),
  );
});

it('different keys of one type are different texts', () => {
  for (const kind of [long, objectId, uuid, stamp, date, fc.string(), fc.integer()]) {
    fc.assert(
      fc.property(kind as fc.Arbitrary<unknown>, kind as fc.Arbitrary<unknown>, (one, other) => {
        const isSame = exact.write(one) === exact.write(other);
        expect(keyText(one) === keyText(other)).toBe(isSame);
      }),
    );
  }
});

it('every document survives JSON', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      key,
      fc.constant(null),
      fc.constant(Number.NaN),
      fc.array(tie('any')),
      fc.dictionary(fc.string(), tie('any')),
    ),
  })).any;
  fc.assert(
    fc.property(fc.dictionary(fc.string(), value), (document) => {
      const made = toDocument(document);
      expect(JSON.parse(JSON.stringify(made))).toEqual(JSON.parse(JSON.stringify(made, (_, each: unknown) => each)));
      expect(Object.keys(JSON.parse(JSON.stringify(made)) as object)).toEqual(Object.keys(document));
    }),
  );
});

it('a field called __proto__ is a field', () => {
  const document = JSON.parse('{"__proto__":{"isAdmin":true},"a":1}') as Record<string, unknown>;
  const made = toDocument(document);
  expect((made as { isAdmin?: unknown }).isAdmin).toBeUndefined();
  expect(JSON.stringify(made)).toBe('{"__proto__":{"isAdmin":true},"a":1}');
  expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
});

it('what JSON has no number for is text', () => {
  expect([Number.NaN, Number.POSITIVE_INFINITY, -0, 2n ** 60n, undefined, new Date(Number.NaN)].map(toValue)).toEqual([
    'NaN',
    'Infinity',
    -0,
    '1152921504606846976',
    null,
    'NaN',
  ]);
});
