import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { json } from '../../../src/toolkit/decode/json.js';
import { jsonl } from '../../../src/toolkit/decode/json-lines.js';
import { decode, decodeWith, plain, records } from './reading.js';

const values = fc.array(fc.jsonValue({ maxDepth: 4, noUnicodeString: false }), { maxLength: 8 });

describe.each([
  ['jsonl', jsonl(), (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')],
  ['a JSON array', json(), (rows: readonly unknown[]) => JSON.stringify(rows, undefined, 1)],
])('%s', (_, format, write) => {
  test('reads what JSON.parse reads, whatever the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(values, fc.integer({ min: 1, max: 30 }), async (rows, chunk) => {
        expect(records(await decode(format, write(rows), { chunk }))).toEqual(JSON.parse(JSON.stringify(rows)));
      }),
      { numRuns: 300 },
    );
  });

  test('goes on after any record, with exactly the rest', async () => {
    await fc.assert(
      fc.asyncProperty(values, fc.integer({ min: 1, max: 30 }), async (rows, chunk) => {
        const { items, positions } = await decodeWith(format, write(rows), { chunk });
        for (const [index, position] of positions.entries()) {
          expect(plain(await decode(format, write(rows), { chunk: 5, position }))).toEqual(
            plain(items.slice(index + 1)),
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  it('a record that is too deep is an error, and the others go on', async () => {
    const deep = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
    expect(records(await decode(format, write([1, deep(101), deep(99), 2])))).toMatchObject([
      1,
      'RECORD_TOO_DEEP',
      {},
      2,
    ]);
  });

  it('PP1: __proto__ is data', async () => {
    const [item] = await decode(
      format,
      write([JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')]),
    );
    expect(Object.keys(item?.record as object)).toEqual(['__proto__', 'constructor']);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

const NOISE = ['1', '{', '}', '[', ']', ',', '"', '\\', '\n', '\r', ' ', '\0', '\u00ff', 'a', ':', 'x'.repeat(30)];

test.each([
  ['jsonl', jsonl({ maxRecordBytes: 20 })],
  ['json', json({ maxRecordBytes: 20 })],
  ['json as a document', json({ maxRecordBytes: 20, records: 'document' })],
])('%s: any bytes whatever give the same for every size of chunk, and go on after each item', async (_, format) => {
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.integer({ min: 0, max: 1 }),
      fc.string({ unit: fc.constantFrom(...NOISE), maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      async (isList, padding, text, chunk) => {
        // Beyond the bytes at the beginning that are looked at together.
        const bytes = Buffer.from(
          `${' '.repeat(padding * 5_000)}${padding ? '\n' : ''}${isList ? '[1,' : ''}${text}`,
          'latin1',
        );
        const whole = await decode(format, bytes, { chunk: 100_000 });
        const { items, positions } = await decodeWith(format, bytes, { chunk });
        expect(plain(items)).toEqual(plain(whole));
        expect(items.map(({ index }) => index)).toEqual(items.map((_, index) => index));
        for (const [index, position] of positions.entries()) {
          expect(plain(await decode(format, bytes, { chunk, position }))).toEqual(plain(whole.slice(index + 1)));
        }
      },
    ),
    { numRuns: 150 },
  );
});

describe('jsonl', () => {
  it('a bad line is an error with line and offset, and the next goes on', async () => {
    const items = await decode(jsonl(), '\ufeff{"a":1}\r\n\n  \n{bad}\n{"a":2}');
    expect(records(items)).toEqual([{ a: 1 }, 'JSON_SYNTAX', { a: 2 }]);
    expect(items.map(({ line }) => line)).toEqual([1, 4, 5]);
    expect(items[1]?.error?.message).toBe('test, line 4, byte 16: this line is not a JSON value');
  });

  it('does not show what it could not read', async () => {
    const [item] = await decode(jsonl(), 'password=hunter2\n');
    expect(String(item?.error?.stack) + JSON.stringify(item?.error)).not.toContain('hunter2');
    expect(item?.error?.cause).toBeUndefined();
  });

  it('a line that is too long is told of once, without being held', async () => {
    const format = jsonl({ maxRecordBytes: 1_000 });
    const decoder = await format.open();
    const chunk = Buffer.alloc(65_536, 'x');
    let items = decoder.push(Buffer.from('1\n'));
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 16_384; count += 1) items = items.concat(decoder.push(chunk));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
    items = items.concat(decoder.push(Buffer.from('\n2\n')), decoder.finish());
    expect(records(items)).toEqual([1, 'RECORD_TOO_LARGE', 2]);
    expect(items[2]).toMatchObject({ line: 3, offset: 2 + 16_384 * 65_536 + 1 });
  });

  it.each([
    ['UTF-16', Buffer.from('\ufeff1\n', 'utf16le'), ['INVALID_ENCODING']],
    ['binary', Buffer.from('1\n\0\n'), ['BINARY']],
    ['not UTF-8', Buffer.from('1\n"\xe9"\n2\n', 'latin1'), [1, 'INVALID_ENCODING', 2]],
  ])('%s', async (_, bytes, expected) => {
    expect(records(await decode(jsonl(), bytes))).toEqual(expected);
  });
});

describe('json', () => {
  it.each([
    ['an object', '{"a":[1,2]}', [{ a: [1, 2] }]],
    ['a mark and space', '\ufeff \n[ 1 , 2 ]\n ', [1, 2]],
    ['an empty list', ' [ ] ', []],
    ['an empty file', '', []],
    ['a bad element', '[1,{bad},"x]",2]', [1, 'JSON_SYNTAX', 'x]', 2]],
    ['a comma too many', '[1,]', [1, 'JSON_SYNTAX']],
    ['a list that was cut off', '[1,2,{"a"', [1, 2, 'JSON_SYNTAX']],
    ['an object that was cut off', '{"a"', ['JSON_SYNTAX']],
    ['more behind the list', '[1] [2]', [1, 'JSON_SYNTAX']],
    ['more behind the object', '{} {}', ['JSON_SYNTAX']],
    ['UTF-16', Buffer.from('\ufeff[1]', 'utf16le'), ['INVALID_ENCODING']],
    ['brackets in strings', '["[","\\"]",{"]":"}"}]', ['[', '"]', { ']': '}' }]],
  ])('%s', async (_, text, expected) => {
    for (const chunk of [1, 2, 3, 1_000]) expect(records(await decode(json(), text, { chunk }))).toEqual(expected);
  });

  it('tells the line of each element', async () => {
    const items = await decode(json(), '[\n  1,\n  {\n "a": 1 },\n\n bad]\n');
    expect(items.map(({ line }) => line)).toEqual([2, 3, 6]);
  });

  it('takes the document as one record where it is told to', async () => {
    expect(records(await decode(json({ records: 'document' }), ' [1,2] '))).toEqual([[1, 2]]);
  });

  it('an element that is too large is told of once, and the others go on', async () => {
    const text = `[1,"${'x'.repeat(9_000)}",2,{"a":"${'y'.repeat(90_000)}"},3]`;
    for (const chunk of [700, 100_000]) {
      expect(records(await decode(json({ maxRecordBytes: 1_000 }), text, { chunk }))).toEqual([
        1,
        'RECORD_TOO_LARGE',
        2,
        'RECORD_TOO_LARGE',
        3,
      ]);
    }
    expect(
      records(await decode(json({ maxRecordBytes: 1_000 }), `{"a":"${'x'.repeat(9_000)}"}`, { chunk: 500 })),
    ).toEqual(['RECORD_TOO_LARGE']);
  });

  it('5 MB of brackets are refused', async () => {
    expect(records(await decode(json(), '['.repeat(5_000_000)))).toEqual(['RECORD_TOO_LARGE', 'JSON_SYNTAX']);
  });
});
