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

const NOISE = ['a', 'b', ',', '"', '\n', '\r', ';', '\u00ff', '\0', '\u00c3\u00a9', ' ', 'x'.repeat(25)];

test.each([
  ['with a header', csv({ maxRecordBytes: 30 })],
  ['without', csv({ header: false, delimiter: ',', maxRecordBytes: 30, maxColumns: 4 })],
  ['with names', csv({ header: ['x', 'y'], maxRecordBytes: 30 })],
])('any bytes whatever give the same for every size of chunk, and go on after each item: %s', async (_, format) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 2 }),
      fc.string({ unit: fc.constantFrom(...NOISE), maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      async (padding, text, chunk) => {
        // Beyond the bytes at the beginning that are looked at together.
        const bytes = Buffer.from(padding > 0 ? `a,b\n${'\n'.repeat(padding * 9_000)}${text}` : text, 'latin1');
        const whole = await decode(format, bytes, { chunk: 1_000_000 });
        for (const [index, item] of whole.entries()) {
          expect(item.index).toBe(index);
          expect(item.offset).toBeGreaterThanOrEqual(whole[index - 1]?.end ?? 0);
          expect(item.end).toBeGreaterThan(item.offset);
        }
        const { items, positions } = await decodeWith(format, bytes, { chunk: padding > 0 ? chunk * 997 : chunk });
        expect(plain(items)).toEqual(plain(whole));
        for (const [index, position] of [...positions.entries()].slice(-12)) {
          const rest = await decode(format, bytes, { chunk, position });
          expect(plain(rest)).toEqual(plain(whole.slice(index + 1)));
        }
      },
    ),
    { numRuns: 150 },
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

  it('a row that is too long is an error, and the rows after it go on', async () => {
    const format = csv({ maxRecordBytes: 1_000 });
    const text = `a,b\n1,2\n${'x'.repeat(50_000)},3\n4,5\n6,"${'\n7,8'.repeat(3_000)}"\n9,10\n`;
    for (const chunk of [100, 4_096, 1_000_000]) {
      expect(records(await decode(format, text, { chunk }))).toEqual([
        { a: '1', b: '2' },
        'RECORD_TOO_LARGE',
        { a: '4', b: '5' },
        'RECORD_TOO_LARGE',
        { a: '9', b: '10' },
      ]);
    }
  });

  it('no row is ever read from within quotes: what is in a cell that is too large stays there', async () => {
    const text = `a,b\n1,"${'forged,row\n'.repeat(500)}"\n2,3\n`;
    const found = records(await decode(csv({ maxRecordBytes: 1_000 }), text, { chunk: 64 }));
    expect(found).toEqual(['RECORD_TOO_LARGE', { a: '2', b: '3' }]);
  });

  it('a quote that stays open for longer than a row may be is told of at the end', async () => {
    const text = `a,b\n1,2\n3,"${'\n4,5'.repeat(3_000)}\n`;
    const items = await decode(csv({ maxRecordBytes: 1_000 }), text, { chunk: 64 });
    expect(records(items)).toEqual([{ a: '1', b: '2' }, 'CSV_OPEN_QUOTE']);
    expect(items[1]).toMatchObject({ line: 3, offset: 8, end: text.length });
  });

  it('a row of 1 GB costs no memory', async () => {
    const decoder = await csv().open();
    const chunk = Buffer.alloc(1_048_576, 'x');
    let items = decoder.push(Buffer.from('a,b\n1,2\n'));
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 1_024; count += 1) items = items.concat(decoder.push(chunk));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
    items = items.concat(decoder.push(Buffer.from(',3\n4,5\n')), decoder.finish());
    expect(records(items)).toEqual([{ a: '1', b: '2' }, 'RECORD_TOO_LARGE', { a: '4', b: '5' }]);
    expect(items[2]).toMatchObject({ line: 4, offset: 8 + 1_073_741_824 + 3 });
  }, 60_000);

  it('quotes that make every row as long as the file cost what it is long, not its square', async () => {
    const text = `a,b\n${'x",":\n'.repeat(500_000)}`;
    expect(records(await decode(csv(), text))).toEqual(['CSV_OPEN_QUOTE']);
  });

  it.each([
    ['text after a quote', 'a,"b"x\n1,2\n', 'CSV_TEXT_AFTER_QUOTE'],
    ['an open quote', 'a,"b\n1,2\n', 'CSV_OPEN_QUOTE'],
    ['bytes that are not UTF-8', Buffer.from('a,caf\xe9\n1,2\n', 'latin1'), 'INVALID_ENCODING'],
    ['too many columns', `${'a,'.repeat(10_000)}a\n`, 'CSV_COLUMNS'],
    ['too long a name', `${'a'.repeat(1_100_000)},b\n1,2\n`, 'RECORD_TOO_LARGE'],
  ])('a header that cannot be read is an error, never rows without their names: %s', async (_, text, code) => {
    const { items, positions } = await decodeWith(csv(), text);
    expect(records(items)).toEqual([code]);
    expect(await decode(csv(), text, { position: positions[0] })).toEqual([]);
  });

  it('10,000 columns of one name are named at once', async () => {
    const [item] = await decode(csv(), `${Array(10_000).fill('a').join(',')}\n${Array(10_000).fill('1').join(',')}\n`);
    expect(Object.keys(item?.record as object)).toHaveLength(10_000);
  });

  it('a quote within a name is part of it, and hides no line', async () => {
    for (const newline of ['\n', '\r', '\r\n']) {
      const items = await decode(csv(), ['size",b', '1,2', '3,4', ''].join(newline));
      expect(records(items)).toEqual([
        { 'size"': '1', b: '2' },
        { 'size"': '3', b: '4' },
      ]);
    }
  });

  it('empty lines are left out, before the header too; an empty cell in quotes is a value', async () => {
    expect(records(await decode(csv(), '\n\na\n\n""\nx\n'))).toEqual([{ a: '' }, { a: 'x' }]);
  });

  it('NUL bytes further behind are an error of their row', async () => {
    const text = `a,b\n${'1,2\n'.repeat(2_000)}3,\0\n4,5\n`;
    expect(records(await decode(csv(), text)).slice(-2)).toEqual(['BINARY', { a: '4', b: '5' }]);
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
    expect(() => csv({ delimiter: '"' })).toThrow(/must differ/);
    expect(() => csv({ header: [] })).toThrow(/header needs a name/);
  });
});
