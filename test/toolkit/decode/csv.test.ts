import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { csv } from '../../../src/toolkit/decode/csv/index.js';
import { decode, decodeWith, plain, records } from './reading.js';

const dialects = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t', '|'),
  quote: fc.constantFrom('"', "'"),
  newline: fc.constantFrom('\n', '\r\n'),
  hasMark: fc.boolean(),
  endsWithNewline: fc.boolean(),
  quotesAll: fc.boolean(),
});
const cell = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.constantFrom('', 'a', ' b ', 'ä', '日本', '"', "'", '""', ',', ';', '\t', '|', '\n', '\r\n', 'x\ny', '😀'),
);
const tables = fc
  .integer({ min: 2, max: 5 })
  .chain((columns) =>
    fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), { minLength: 1, maxLength: 12 }),
  );

type Dialect = typeof dialects extends fc.Arbitrary<infer Value> ? Value : never;

function write(rows: readonly (readonly string[])[], dialect: Dialect): string {
  const { delimiter, quote, newline, hasMark, endsWithNewline, quotesAll } = dialect;
  const needsQuotes = (text: string): boolean =>
    quotesAll || text === '' || [quote, delimiter, '\n', '\r', '\ufeff', '\0'].some((part) => text.includes(part));
  const lines = rows.map((row) =>
    row
      .map((text) => (needsQuotes(text) ? quote + text.replaceAll(quote, quote + quote) + quote : text))
      .join(delimiter),
  );
  return (hasMark ? '\ufeff' : '') + lines.join(newline) + (endsWithNewline ? newline : '');
}

test('random tables in random dialects and chunks are read as csv-parse reads them', async () => {
  await fc.assert(
    fc.asyncProperty(tables, dialects, fc.integer({ min: 1, max: 40 }), async (rows, dialect, chunk) => {
      fc.pre(!rows.flat().some((text) => text.includes('\0')));
      const text = write(rows, dialect);
      const { delimiter, quote, newline } = dialect;
      const expected = parse(text, {
        delimiter,
        quote,
        escape: quote,
        bom: true,
        record_delimiter: newline,
      }) as string[][];
      expect(expected).toEqual(rows);
      const items = await decode(csv({ delimiter, quote, header: false }), text, { chunk });
      expect(records(items)).toEqual(rows);
      expect(items.at(-1)?.end).toBe(Buffer.byteLength(text));
    }),
    { numRuns: 400 },
  );
});

test('CS1: a decoder goes on at the end of any record, and brings exactly the rest', async () => {
  await fc.assert(
    fc.asyncProperty(tables, dialects, fc.integer({ min: 1, max: 40 }), async (rows, dialect, chunk) => {
      fc.pre(!rows.flat().some((text) => text.includes('\0')));
      const text = write([rows[0]?.map((_, index) => `name${index}`) ?? [], ...rows], dialect);
      const { delimiter, quote } = dialect;
      const format = csv({ delimiter, quote });
      const { items, positions } = await decodeWith(format, text, { chunk });
      expect(items).toHaveLength(rows.length);
      for (const [index, position] of positions.entries()) {
        expect(plain(await decode(format, text, { chunk: 7, position }))).toEqual(plain(items.slice(index + 1)));
      }
    }),
    { numRuns: 60 },
  );
});

test('any bytes whatever end, in order, the same for every size of chunk', async () => {
  const noise = fc.string({ unit: fc.constantFrom('a', 'b', ',', '"', '\n', '\r', ';', '\u00ff', '\0', 'é') });
  await fc.assert(
    fc.asyncProperty(noise, fc.integer({ min: 1, max: 20 }), async (text, chunk) => {
      const bytes = Buffer.from(text, 'latin1');
      const whole = await decode(csv({ delimiter: ',' }), bytes, { chunk: 1_000 });
      for (const [index, item] of whole.entries()) {
        expect(item.index).toBe(index);
        expect(item.offset).toBeGreaterThanOrEqual(whole[index - 1]?.end ?? 0);
        expect(item.end).toBeGreaterThan(item.offset);
      }
      if (!text.includes('\0') && !text.includes('\r')) {
        expect(plain(await decode(csv({ delimiter: ',' }), bytes, { chunk }))).toEqual(plain(whole));
      }
    }),
    { numRuns: 500 },
  );
});

describe('CS1', () => {
  it('ragged rows are errors with their line, and the rows after them go on', async () => {
    const items = await decode(csv(), 'a,b\n1,2\n3\n4,5,6\n"x\ny",7\n8,9\n');
    expect(records(items)).toEqual([
      { a: '1', b: '2' },
      'CSV_RAGGED_ROW',
      'CSV_RAGGED_ROW',
      { a: 'x\ny', b: '7' },
      { a: '8', b: '9' },
    ]);
    expect(items.map(({ line }) => line)).toEqual([2, 3, 4, 5, 7]);
    expect(items[1]?.error?.message).toBe('test, line 3, byte 8: 1 cells where 2 were expected');
    expect(items[1]?.error?.at).toEqual({ file: 'test', line: 3, offset: 8 });
  });

  it.each([
    ['CRLF', 'a,b\r\n1,2\r\n'],
    ['CR', 'a,b\r1,2\r'],
    ['a byte order mark', '\ufeffa,b\n1,2\n'],
    ['no line feed at the end', 'a,b\n1,2'],
    ['empty lines at the end', 'a,b\n1,2\n\n\n'],
    ['semicolons', 'a;b\n1;2\n'],
    ['tabs', 'a\tb\n1\t2\n'],
    ['a first line that tells the delimiter', 'sep=;\r\na;b\r\n1;2\r\n'],
    ['quotes', '"a","b"\n"1","2"\n'],
  ])('%s', async (_, text) => {
    for (const chunk of [1, 2, 3, 1_000])
      expect(records(await decode(csv(), text, { chunk }))).toEqual([{ a: '1', b: '2' }]);
  });

  it('no column is lost by its name, and none touches a prototype', async () => {
    const [item] = await decode(csv(), '__proto__,constructor,a,a,,toString, \n1,2,3,4,5,6,7\n');
    const record = item?.record as object;
    expect(Object.keys(record)).toEqual(['__proto__', 'constructor', 'a', 'a_2', 'column_5', 'toString', 'column_7']);
    expect(Object.values(record)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype);
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('a file with nothing but a header, or nothing at all, has no records', async () => {
    for (const text of ['', '\ufeff', 'a,b', 'a,b\r\n']) expect(await decode(csv(), text)).toEqual([]);
  });

  it('text after a quote and a quote that stays open do not swallow the lines behind', async () => {
    expect(records(await decode(csv(), 'a,b\n"x"y,1\n2,3\n'))).toEqual(['CSV_TEXT_AFTER_QUOTE', { a: '2', b: '3' }]);
    expect(records(await decode(csv(), 'a,b\n1,"x\n2,3\n4,5\n'))).toEqual([
      'CSV_OPEN_QUOTE',
      { a: '2', b: '3' },
      { a: '4', b: '5' },
    ]);
  });

  it('a row that is too long is an error, in bounded memory, and the rows after it go on', async () => {
    const format = csv({ maxRecordBytes: 1_000 });
    const text = `a,b\n1,2\n${'x'.repeat(50_000)},3\n4,5\n6,"${'\n'.repeat(3_000)}\n7,8\n`;
    for (const chunk of [100, 4_096, 1_000_000]) {
      const items = await decode(format, text, { chunk });
      expect(records(items).slice(0, 3)).toEqual([{ a: '1', b: '2' }, 'RECORD_TOO_LARGE', { a: '4', b: '5' }]);
      expect(records(items).at(-1)).toEqual({ a: '7', b: '8' });
    }
  });

  it('bytes that are not UTF-8 are an error of their row, never replaced; latin1 may be told', async () => {
    const bytes = Buffer.from('a,b\ncaf\xe9,1\nx,2\n', 'latin1');
    expect(records(await decode(csv(), bytes))).toEqual(['INVALID_ENCODING', { a: 'x', b: '2' }]);
    expect(records(await decode(csv({ encoding: 'latin1' }), bytes))[0]).toEqual({ a: 'café', b: '1' });
  });

  it.each([
    ['UTF-16', Buffer.from('\ufeffa,b\n1,2\n', 'utf16le'), 'INVALID_ENCODING'],
    ['binary', Buffer.from('a,b\n\0\0\x01,2\n'), 'BINARY'],
  ])('%s is refused with a word on what to do', async (_, bytes, code) => {
    expect(records(await decode(csv(), bytes))).toEqual([code]);
  });

  it('names may be given for a file without them', async () => {
    expect(records(await decode(csv({ header: ['x', 'y'] }), '1,2\n3,4\n'))).toEqual([
      { x: '1', y: '2' },
      { x: '3', y: '4' },
    ]);
  });

  it('refuses options that are no single character', () => {
    expect(() => csv({ delimiter: ',,' })).toThrow(/delimiter must be one ASCII character/);
  });
});
