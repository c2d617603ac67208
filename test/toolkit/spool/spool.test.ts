import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../src/testing/fake-clock.js';
import { filesBelow, onFaultPoint } from '../../cursors/scratch.js';
import { drain, openSpool, spoolDirectory } from './opened.js';

const HOUR_MS = 3_600_000;

describe('Spool', () => {
  it('hands out what was appended, in order, with sequences without holes, over restarts', async () => {
    const directory = spoolDirectory();
    const first = await openSpool(directory);
    const receipts = await Promise.all(
      ['a', Buffer.from('b'), 'ä💧'].map((value) => first.append({ key: undefined, value })),
    );
    expect(receipts).toEqual([1, 2, 3].map((sequence) => ({ sequence, isDuplicate: false })));
    expect(await drain(first)).toEqual(['a', 'b', 'ä💧']);
    await first.close();
    const second = await openSpool(directory);
    expect(second.id).toBe(first.id);
    expect(await second.append({ key: undefined, value: '' })).toEqual({ sequence: 4, isDuplicate: false });
    expect(await drain(second)).toEqual(['a', 'b', 'ä💧', '']);
    expect(await drain(second, 2)).toEqual(['ä💧', '']);
  });

  it('flushes once for all that wait', async () => {
    const spool = await openSpool(spoolDirectory());
    let flushes = 0;
    onFaultPoint((name) => {
      if (name === 'spool.fsync.before') flushes += 1;
    });
    await Promise.all(Array.from({ length: 500 }, (_, index) => spool.append({ key: `${index}`, value: `${index}` })));
    expect(flushes).toBe(1);
    expect(await drain(spool)).toHaveLength(500);
  });

  it('WH6: does not resolve before the flush', async () => {
    const spool = await openSpool(spoolDirectory());
    const order: string[] = [];
    onFaultPoint((name) => {
      order.push(name);
    });
    await spool.append({ key: 'a', value: 'a' }).then(() => order.push('resolved'));
    expect(order.indexOf('resolved')).toBeGreaterThan(order.indexOf('spool.fsync.after'));
  });

  it('WH5: takes a key once, also while the first is being written, and after its record was deleted and a restart', async () => {
    const directory = spoolDirectory();
    const clock = new FakeClock(0);
    const options = { clock, maxSegmentBytes: 1 };
    const first = await openSpool(directory, options);
    const both = await Promise.all(['x', 'y'].map((value) => first.append({ key: 'k', value })));
    expect(both).toEqual([
      { sequence: 1, isDuplicate: false },
      { sequence: 1, isDuplicate: true },
    ]);
    await first.append({ key: 'other', value: 'z' });
    first.release(2);
    await expect.poll(() => first.stats.firstSequence).toBe(2);
    await clock.advance(71 * HOUR_MS);
    expect(await first.append({ key: 'k', value: 'again' })).toEqual({ sequence: 1, isDuplicate: true });
    await first.close();
    const second = await openSpool(directory, options);
    expect(await second.append({ key: 'k', value: 'again' })).toEqual({ sequence: 1, isDuplicate: true });
    await clock.advance(1.1 * HOUR_MS);
    expect(await second.append({ key: 'k', value: 'again' })).toEqual({ sequence: 3, isDuplicate: false });
    expect(second.stats.keys).toBe(1);
  });

  it('is readable by its owner only', async () => {
    const directory = spoolDirectory();
    const spool = await openSpool(directory, { maxSegmentBytes: 1 });
    await spool.append({ key: 'a', value: 'a' });
    await spool.append({ key: 'b', value: 'b' });
    spool.release(2);
    await expect.poll(() => readdirSync(directory)).toContain('keys.journal');
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    const files = filesBelow(directory).filter((path) => statSync(path).isFile());
    expect(files.map((path) => statSync(path).mode & 0o777)).toEqual(files.map(() => 0o600));
    expect(files).toContain(join(directory, 'keys.journal'));
  });
});
