import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Confirmations } from '../../../../src/sources/database/replication/confirmations.js';
import { formatLsn, isLsn, parseLsn } from '../../../../src/sources/database/replication/lsn.js';
import { decodeMessage, type SentValue } from '../../../../src/sources/database/replication/pgoutput.js';
import { Seen } from '../../../../src/sources/database/replication/seen.js';

const number = (size: 1 | 2 | 4, value: number): Buffer => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
};
const big = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
};
const tuple = (values: readonly SentValue[]): Buffer => Buffer.concat([number(2, values.length), ...values.map(sent)]);
const sent = (value: SentValue): Buffer => {
  if (value === null) return Buffer.from('n');
  if (value === undefined) return Buffer.from('u');
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from('t'), number(4, bytes.length), bytes]);
};
const insert = (relation: number, row: readonly SentValue[]): Buffer =>
  Buffer.concat([Buffer.from('I'), number(4, relation), Buffer.from('N'), tuple(row)]);

const values = fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant(null), fc.constant(undefined)), {
  maxLength: 20,
});
const unsigned = fc.nat(0xffff_ffff);

describe('pgoutput', () => {
  it('every row comes back as it was sent, wherever it is in the buffer', () => {
    fc.assert(
      fc.property(
        unsigned,
        values,
        values,
        fc.constantFrom(undefined, 'K', 'O'),
        fc.nat(40),
        (relation, row, before, what, from) => {
          const old = what === undefined ? [] : [Buffer.from(what), tuple(before)];
          const update = Buffer.concat([
            Buffer.alloc(from),
            Buffer.from('U'),
            number(4, relation),
            ...old,
            Buffer.from('N'),
            tuple(row),
          ]);
          const expectedOld = what === undefined ? undefined : { isWhole: what === 'O', values: before };
          expect(decodeMessage(update, from)).toEqual({ kind: 'update', relation, old: expectedOld, row });
          const gone = Buffer.concat([Buffer.from('D'), number(4, relation), Buffer.from('K'), tuple(before)]);
          expect(decodeMessage(gone)).toEqual({ kind: 'delete', relation, old: { isWhole: false, values: before } });
          expect(decodeMessage(insert(relation, row))).toEqual({ kind: 'insert', relation, row });
        },
      ),
    );
  });

  it('keeps nothing of the buffer, which the driver uses again', () => {
    const bytes = insert(1, ['text']);
    const decoded = decodeMessage(bytes);
    bytes.fill(0);
    expect(decoded).toEqual({ kind: 'insert', relation: 1, row: ['text'] });
  });

  it('what is cut short or unknown is an error, never a row', () => {
    fc.assert(
      fc.property(values, fc.nat(), (row, cut) => {
        const whole = insert(7, row);
        expect(() => decodeMessage(whole.subarray(0, cut % whole.length))).toThrow(RangeError);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeMessage(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  it('positions and the time of a commit are exact; the epoch is 2000', () => {
    const begin = Buffer.concat([Buffer.from('B'), big(0xffff_ffff_ffff_fff0n), big(123_456n), number(4, 0xffff_ffff)]);
    const time = 946_684_800_123_456n;
    expect(decodeMessage(begin)).toEqual({
      kind: 'begin',
      lsn: 0xffff_ffff_ffff_fff0n,
      time,
      transaction: 0xffff_ffff,
    });
    expect(new Date(Number(time / 1000n)).toISOString()).toBe('2000-01-01T00:00:00.123Z');
  });

  it('what says nothing of rows is passed over', () => {
    for (const tag of ['O', 'Y', 'M']) expect(decodeMessage(Buffer.from(`${tag}whatever`))).toBeUndefined();
  });
});

describe('positions of the log', () => {
  it('DB7: are 64-bit numbers, whose text does not sort', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 0xffff_ffff_ffff_ffffn), (lsn) => {
        expect(parseLsn(formatLsn(lsn))).toBe(lsn);
        expect(isLsn(formatLsn(lsn))).toBe(true);
      }),
    );
    expect(parseLsn('0/9FFFFFFF') < parseLsn('0/A0000000')).toBe(true);
    expect(parseLsn('0/9FFFFFFF') < parseLsn('1/0')).toBe(true);
    expect(parseLsn('0/A') < parseLsn('0/9FFFFFFF')).toBe(true);
    for (const text of ['', '0', '0/G', '0/123456789', '0/1\n']) expect(() => parseLsn(text)).toThrow(RangeError);
  });

  it('are confirmed in order, after a while, and never go back', () => {
    let now = 0;
    const confirmations = new Confirmations({ now: () => now, sleep: async () => {} }, 1_000);
    confirmations.begin(5n);
    expect(confirmations.confirmed).toBe(5n);
    confirmations.settle(10n);
    now = 999;
    confirmations.settle(20n);
    expect(confirmations.confirmed).toBe(5n);
    now = 1_000;
    expect(confirmations.confirmed).toBe(10n);
    confirmations.begin(10n);
    now = 5_000;
    expect(confirmations.confirmed).toBe(20n);
  });
});

describe('which transactions a snapshot sees', () => {
  it('is told by the low 32 bits of their numbers, also where those wrap', () => {
    const seen = new Seen('4294967290:4294967306:4294967295,4294967300');
    const low = (full: number): number => full % 2 ** 32;
    for (let full = 4_294_967_200; full < 4_294_967_400; full += 1) {
      const isSeen = full < 4_294_967_306 && full !== 4_294_967_295 && full !== 4_294_967_300;
      expect(seen.has(low(full)), String(full)).toBe(isSeen);
    }
    expect(new Seen('731:733:').firstMissingIn(new Seen('731:740:735,732'))).toBe(732n);
    expect(new Seen('731:733:732').firstMissingIn(new Seen('732:740:732'))).toBeUndefined();
    expect(new Seen('731:733:').has(732)).toBe(true);
    expect(new Seen('731:731:').has(731)).toBe(false);
  });
});
