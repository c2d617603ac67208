import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RecordingLogger } from '../../../src/testing/recording-logger.js';
import type { Spool } from '../../../src/toolkit/spool/spool.js';
import { onFaultPoint, scratchDirectory } from '../../cursors/scratch.js';
import { drain, openSpool, spoolDirectory } from './opened.js';
import { newestSegment, snapshotOf } from './snapshot.js';

const HEADER_BYTES = 256;

describe('Spool, torn', () => {
  it('cuts off a group that a crash tore, at every byte, and hands out what was whole of it', async () => {
    const { torn, promised } = await withUnflushedGroup();
    const whole = readFileSync(newestSegment(torn));
    const start = promised.size;
    for (let length = start; length <= whole.length; length += 1) {
      const copy = snapshotOf(torn, join(scratchDirectory(), 'spool'));
      truncateSync(newestSegment(copy), length);
      const logger = new RecordingLogger();
      const spool = await openSpool(copy, { logger });
      const found = await drain(spool);
      expect(['a b', 'a b c', 'a b c d'], `cut to ${length}`).toContain(found.join(' '));
      expect(spool.stats.damage).toEqual([]);
      expect(statSync(newestSegment(copy)).size).toBe(start + (found.length - 2) * 28);
      expect(logger.lines.length > 0).toBe(length !== start && (length - start) % 28 !== 0);
      expect(await spool.append({ key: 'd', value: 'd' })).toMatchObject({ isDuplicate: found.length === 4 });
      await spool.close();
    }
  });

  it('takes what lies behind a torn record for torn as well, though it is whole', async () => {
    const { torn, promised } = await withUnflushedGroup();
    const path = newestSegment(torn);
    const bytes = readFileSync(path);
    bytes.fill(0, promised.size, promised.size + 20);
    writeFileSync(path, bytes);
    const spool = await openSpool(torn);
    expect(await drain(spool)).toEqual(['a', 'b']);
    expect(spool.stats.damage).toEqual([]);
    expect(await spool.append({ key: 'c', value: 'c' })).toEqual({ sequence: 3, isDuplicate: false });
  });

  it('cuts off zeros, which some file systems leave', async () => {
    const { directory } = await filled(['a', 'b']);
    appendFileSync(newestSegment(directory), Buffer.alloc(5_000));
    const spool = await openSpool(directory);
    expect(await drain(spool)).toEqual(['a', 'b']);
    expect(await spool.append({ key: undefined, value: 'c' })).toMatchObject({ sequence: 3 });
    expect(await drain(spool)).toEqual(['a', 'b', 'c']);
  });
});

describe('Spool, damaged', () => {
  it('with any bit flipped hands out every other record as it was, tells what it cannot, and goes on behind the last', async () => {
    const { directory, last } = await filled(['a', 'bb', 'ccc', 'dddd', 'e'], { maxSegmentBytes: 380 });
    expect(segmentsOf(directory).length).toBeGreaterThan(1);
    for (const name of segmentsOf(directory)) {
      const { size } = statSync(join(directory, name));
      // Of the header, every fifth byte: it has the most of them and says everything twice.
      for (let at = 0; at < size; at += at < HEADER_BYTES ? 5 : 1) {
        const copy = snapshotOf(directory, join(scratchDirectory(), 'spool'));
        flip(join(copy, name), at);
        const spool = await openSpool(copy);
        const found = await drain(spool);
        const where = `${name} at ${at}`;
        expect(told(found, ['a', 'bb', 'ccc', 'dddd', 'e']), where).toBe(true);
        const lost = found.filter((text) => text.startsWith('gap '));
        expect(lost.length, where).toBeLessThanOrEqual(at < HEADER_BYTES ? 0 : 1);
        expect(spool.stats.damage, where).toHaveLength(lost.length);
        expect(await spool.append({ key: undefined, value: 'next' }), where).toMatchObject({ sequence: last + 1 });
        expect(await drain(spool), where).toEqual([...found, 'next']);
        await spool.close();
      }
    }
  });

  it('cut short in the middle of what was promised, tells what is missing, and gives its numbers to nothing else', async () => {
    const { directory } = await filled(['a', 'b', 'c']);
    const { size } = statSync(newestSegment(directory));
    for (let length = HEADER_BYTES; length < size; length += 1) {
      const copy = snapshotOf(directory, join(scratchDirectory(), 'spool'));
      truncateSync(newestSegment(copy), length);
      const spool = await openSpool(copy);
      const left = Math.floor((length - HEADER_BYTES) / 28);
      const kept = ['a', 'b', 'c'].slice(0, left);
      expect(await drain(spool), `cut to ${length}`).toEqual([...kept, `gap ${left + 1}-3 damaged`]);
      expect(await spool.append({ key: undefined, value: 'd' })).toMatchObject({ sequence: 4 });
      expect((await drain(spool)).at(-1)).toBe('d');
      await spool.close();
      const again = await openSpool(copy);
      expect(await drain(again)).toEqual([...kept, `gap ${left + 1}-3 damaged`, 'd']);
      await again.close();
    }
  });

  it('does not let a record that lost its last byte take it from what is written behind it', async () => {
    const directory = spoolDirectory();
    const spool = await openSpool(directory);
    await spool.append({ key: undefined, value: 'a' });
    const magic = readFileSync(newestSegment(directory))[HEADER_BYTES] as number;
    await spool.append({ key: undefined, value: Buffer.of(magic) });
    await spool.close();
    truncateSync(newestSegment(directory), statSync(newestSegment(directory)).size - 1);
    const shortened = await openSpool(directory);
    await shortened.append({ key: undefined, value: 'c' });
    expect(await drain(shortened)).toEqual(['a', 'gap 2-2 damaged', 'c']);
    await shortened.close();
    const again = await openSpool(directory);
    expect(await drain(again)).toEqual(['a', 'gap 2-2 damaged', 'c']);
    await again.close();
  });

  it('tells segments that were taken away, in the middle and in front', async () => {
    const { directory } = await filled(['a', 'b', 'c', 'd'], { maxSegmentBytes: 1 });
    for (const [index, expected] of [
      [0, ['gap 1-1 damaged', 'b', 'c', 'd']],
      [1, ['a', 'gap 2-2 damaged', 'c', 'd']],
    ] as const) {
      const copy = snapshotOf(directory, join(scratchDirectory(), 'spool'));
      rmSync(join(copy, segmentsOf(copy)[index] ?? ''));
      const spool = await openSpool(copy);
      expect(await drain(spool)).toEqual(expected);
      expect(spool.stats.damage).toHaveLength(1);
    }
  });

  it('refuses a segment that belongs to another spool, or a spool that cannot say what it is, and says what to do', async () => {
    const { directory } = await filled(['a']);
    const other = await filled(['b']);
    const name = '0000000000000002.segment';
    writeFileSync(join(directory, name), readFileSync(newestSegment(other.directory)));
    await expect(openSpool(directory)).rejects.toMatchObject({ name: 'FatalError', code: 'SPOOL_CORRUPT' });
    await expect(openSpool(directory)).rejects.toThrow(name);
    rmSync(join(directory, name));
    expect(await drain(await openSpool(directory))).toEqual(['a']);
    writeFileSync(newestSegment(other.directory), Buffer.alloc(HEADER_BYTES));
    await expect(openSpool(other.directory)).rejects.toMatchObject({ name: 'FatalError', code: 'SPOOL_CORRUPT' });
  });

  it('reads a segment whose header is lost, as long as another says what it is', async () => {
    const { directory } = await filled(['a', 'b', 'c'], { maxSegmentBytes: 1 });
    for (const name of segmentsOf(directory)) {
      const copy = snapshotOf(directory, join(scratchDirectory(), 'spool'));
      const bytes = readFileSync(join(copy, name));
      writeFileSync(join(copy, name), bytes.fill(0, 0, HEADER_BYTES));
      expect(await drain(await openSpool(copy)), name).toEqual(['a', 'b', 'c']);
    }
  });

  it('goes on without keys that cannot be read, and says so', async () => {
    const { directory } = await filled(['a', 'b', 'c', 'd'], { maxSegmentBytes: 1 }, 3);
    const path = join(directory, 'keys.journal');
    flip(path, HEADER_BYTES + 10);
    const spool = await openSpool(directory, { maxSegmentBytes: 1 });
    expect(spool.stats.damage).toHaveLength(1);
    expect(await spool.append({ key: 'a', value: 'a' })).toMatchObject({ isDuplicate: false });
    expect(await spool.append({ key: 'b', value: 'b' })).toMatchObject({ isDuplicate: true });
  });
});

/** A spool with these records, each its own key and group, that was closed. */
async function filled(values: readonly string[], options: { maxSegmentBytes?: number } = {}, released = 0) {
  const directory = spoolDirectory();
  const spool = await openSpool(directory, options);
  for (const value of values) await spool.append({ key: value, value });
  if (released > 0) await releaseAndDelete(spool, released);
  await spool.close();
  return { directory, last: values.length };
}

async function releaseAndDelete(spool: Spool, sequence: number): Promise<void> {
  spool.release(sequence);
  await expect.poll(() => spool.stats.firstSequence).toBe(sequence + 1);
}

/** A spool of which `a` and `b` were promised, and `c` and `d` written and not flushed. */
async function withUnflushedGroup() {
  const directory = spoolDirectory();
  const spool = await openSpool(directory);
  await spool.append({ key: 'a', value: 'a' });
  await spool.append({ key: 'b', value: 'b' });
  const promised = statSync(newestSegment(directory));
  let torn = '';
  onFaultPoint((name) => {
    if (name === 'spool.fsync.before') torn = snapshotOf(directory, join(scratchDirectory(), 'spool'));
  });
  await Promise.all(['c', 'd'].map((value) => spool.append({ key: value, value })));
  return { torn, promised };
}

function segmentsOf(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.segment'))
    .sort();
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
  writeFileSync(path, bytes);
}

/** Whether what was found is what was expected, but for what is told to be missing. */
function told(found: readonly string[], expected: readonly string[]): boolean {
  let at = 0;
  for (const text of found) {
    const gap = /^gap (\d+)-(\d+) damaged$/.exec(text);
    if (gap !== null) at = Number(gap[2]);
    else if (text !== expected[at++]) return false;
  }
  return at === expected.length;
}
