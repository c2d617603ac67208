import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type Line, readLines } from 'headwater/toolkit';
import { expect, it, onTestFinished } from 'vitest';
import type { LineOptions } from '../../../src/toolkit/lines/line.js';
import { LineSplitter } from '../../../src/toolkit/lines/line-splitter.js';
import { Program } from '../../support/program.js';

/** The lines of bytes that come in pieces of these lengths, the rest in one. */
function split(bytes: Uint8Array, pieces: readonly number[], options: LineOptions = {}): Line[] {
  const splitter = new LineSplitter(options);
  const lines: Line[] = [];
  splitter.begin(0);
  for (let at = 0, piece = 0; at < bytes.length; piece += 1) {
    const { room } = splitter;
    const count = Math.min(pieces[piece] ?? bytes.length, bytes.length - at, room.length);
    room.set(bytes.subarray(at, at + count));
    lines.push(...splitter.take(count));
    at += count;
  }
  const last = splitter.flush('end');
  return last === undefined ? lines : [...lines, last];
}

function writeTemporary(content: Uint8Array | string): string {
  const directory = mkdtempSync(join(tmpdir(), 'headwater-lines-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'file');
  writeFileSync(path, content);
  return path;
}

async function read(path: string, options?: Parameters<typeof readLines>[1]): Promise<Line[]> {
  const all: Line[] = [];
  for await (const lines of readLines(path, options)) all.push(...lines);
  return all;
}

const someText = fc.array(
  fc.oneof(
    fc.constantFrom('\n', '\r\n', '\r', '😀', 'é', '€', 'plain', '\0\0', ''),
    fc.string({ unit: 'binary', maxLength: 5 }),
  ),
  { maxLength: 60 },
);
const somePieces = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 200 });

it('LG7: the pieces in which bytes come change nothing, whatever the text, line ends and limits', () => {
  const limits = fc.constantFrom<LineOptions>(
    {},
    { maxLineBytes: 4 },
    { maxLineBytes: 7, tooLong: 'truncate' },
    { maxLineBytes: 5, encoding: 'latin1' },
  );
  fc.assert(
    fc.property(someText, somePieces, limits, (text, pieces, options) => {
      const bytes = Buffer.from(text.join(''));
      expect(split(bytes, pieces, options)).toEqual(split(bytes, [], options));
    }),
    { numRuns: 500 },
  );
});

it('LG7: the pieces change nothing where bytes are no text at all', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), somePieces, fc.constantFrom(3, 16, 1_000), (bytes, pieces, max) => {
      expect(split(bytes, pieces, { maxLineBytes: max })).toEqual(split(bytes, [], { maxLineBytes: max }));
    }),
    { numRuns: 500 },
  );
});

it('LG7: offsets are bytes: what they enclose in the file is the line', () => {
  fc.assert(
    fc.property(someText, somePieces, (text, pieces) => {
      const bytes = Buffer.from(text.join('').replaceAll('\0', ''));
      const lines = split(bytes, pieces);
      for (const { text: line, start, end } of lines) {
        expect(bytes.toString('utf8', start, end).replace(/\r?\n$/, '')).toBe(line);
      }
      expect(lines.map(({ start }) => start)).toEqual([0, ...lines.map(({ end }) => end)].slice(0, lines.length));
    }),
  );
});

it('parts of a line that is too long make up the line, and no character is cut in two', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.integer({ min: 4, max: 20 }), (text, max) => {
      const line = text.replaceAll(/[\r\n\0]/g, '');
      const parts = split(Buffer.from(`${line}\nnext\n`), [], { maxLineBytes: max }).slice(0, -1);
      expect(parts.map((part) => part.text).join('')).toBe(line);
      expect(parts.every((part) => Buffer.byteLength(part.text) <= max)).toBe(true);
      expect(parts.map(({ notes }) => notes?.continued === true)).toEqual(parts.map((_, at) => at < parts.length - 1));
      expect(parts.map(({ notes }) => notes?.continuation === true)).toEqual(parts.map((_, at) => at > 0));
    }),
  );
});

it('a line of exactly the limit is whole, with either line end', () => {
  for (const end of ['\n', '\r\n']) {
    for (const pieces of [[], [1, 1, 1, 1, 1, 1]]) {
      const [line, ...more] = split(Buffer.from(`abcd${end}`), pieces, { maxLineBytes: 4 });
      expect([line?.text, line?.notes, more]).toEqual(['abcd', undefined, []]);
    }
  }
});

it('bytes that are no UTF-8 are replaced and noted; as latin1 they are text', () => {
  const bytes = Buffer.from([0x61, 0xe9, 10, 0x62, 10]);
  expect(split(bytes, [])).toMatchObject([{ text: 'a\ufffd', notes: { invalidBytes: true } }, { text: 'b' }]);
  expect(split(bytes, [], { encoding: 'latin1' })).toMatchObject([{ text: 'aé', notes: undefined }, { text: 'b' }]);
});

it('a hole in front of a line is left out and told of', () => {
  const bytes = Buffer.concat([Buffer.alloc(101), Buffer.from('after\nnext\n')]);
  expect(split(bytes, [7, 60])).toEqual([
    { text: 'after', start: 101, end: 107, notes: { nulBytes: 101 } },
    { text: 'next', start: 107, end: 112, notes: undefined },
  ]);
});

it('reads from the end of any line on, and holds or delivers what has no line feed', async () => {
  const path = writeTemporary('one\r\ntwo €\nthree');
  const all = await read(path);
  expect(all.map(({ text }) => text)).toEqual(['one', 'two €', 'three']);
  for (const [index, { end }] of all.entries()) expect(await read(path, { from: end })).toEqual(all.slice(index + 1));
  expect((await read(path, { lastLine: 'hold' })).map(({ text }) => text)).toEqual(['one', 'two €']);
});

it('inflates every member of a gzip file; one that is cut off is an error after the lines that are whole', async () => {
  const first = gzipSync('one\ntw');
  const path = writeTemporary(Buffer.concat([first, gzipSync('o\nthree\n')]));
  expect((await read(path, { from: 4 })).map(({ text, end }) => [text, end])).toEqual([
    ['two', 8],
    ['three', 14],
  ]);
  const cut = writeTemporary(first.subarray(0, -4));
  await expect(read(cut)).rejects.toMatchObject({ code: 'Z_BUF_ERROR' });
});

it('an abort ends the reading, and leaves nothing open', async () => {
  const path = writeTemporary('line\n'.repeat(100_000));
  const controller = new AbortController();
  const reading = (async () => {
    for await (const _ of readLines(path, { signal: controller.signal })) controller.abort(new Error('enough'));
  })();
  await expect(reading).rejects.toThrow('enough');
});

it.each(['split', 'truncate'] as const)(
  'LG8: a line of 1 GiB is read within 64 MiB, %s',
  { timeout: 180_000 },
  async (tooLong) => {
    const directory = mkdtempSync(join(tmpdir(), 'headwater-long-line-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const path = join(directory, 'long');
    const descriptor = openSync(path, 'w');
    writeSync(descriptor, 'first\nx');
    // A hole within a line is part of it.
    ftruncateSync(descriptor, 2 ** 30);
    writeSync(descriptor, '\nlast\n', 2 ** 30);
    closeSync(descriptor);
    const program = await Program.build(new URL('./programs/read-lines.ts', import.meta.url));
    onTestFinished(() => program.dispose());
    const { lines, errors } = await program.run(path, tooLong);
    expect(errors).toBe('');
    const [parts, last, grown] = JSON.parse(lines[0] ?? '') as [number, Line, number];
    expect(last).toMatchObject({ text: 'last', end: 2 ** 30 + 6 });
    expect(parts).toBe(tooLong === 'split' ? 2 + 1_024 : 3);
    // The limit of a line is 1 MiB.
    expect(grown).toBeLessThan(65 * 2 ** 20);
  },
);
