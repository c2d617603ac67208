import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../src/testing/fake-clock.js';
import { RecordingLogger } from '../../../src/testing/recording-logger.js';
import type { SpoolBatch } from '../../../src/toolkit/spool/spool.js';
import { drain, openSpool, spoolDirectory } from './opened.js';

describe('Spool, followed', () => {
  it('hands out what comes later, to each that follows, in batches that are not too large', async () => {
    const spool = await openSpool(spoolDirectory(), { maxSegmentBytes: 2_000 });
    const sizes: number[] = [];
    const follow = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const { records } of spool.batches(undefined, { maxEvents: 7 })) {
        sizes.push(records.length);
        found.push(...records.map(({ value }) => value.toString()));
        if (found.length === 100) return found;
      }
      return found;
    };
    const following = [follow(), follow()];
    const values = Array.from({ length: 100 }, (_, index) => `${index}`);
    for (let at = 0; at < 100; at += 10)
      await Promise.all(values.slice(at, at + 10).map((value) => spool.append({ key: undefined, value })));
    expect(await Promise.all(following)).toEqual([values, values]);
    expect(Math.max(...sizes)).toBe(7);
  });

  it('AG1: stops waiting when the signal fires, and leaves no listener behind', async () => {
    const spool = await openSpool(spoolDirectory());
    const stop = new AbortController();
    const { signal } = stop;
    const batches = spool.batches(undefined, { maxEvents: 1, signal });
    for (let number = 0; number < 50; number += 1) {
      const next = batches.next();
      await spool.append({ key: undefined, value: 'x' });
      await next;
    }
    const next = batches.next();
    await expect.poll(() => getEventListeners(signal, 'abort').length).toBe(1);
    stop.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('ends when the spool is closed, which waits for what is being written', async () => {
    const directory = spoolDirectory();
    const spool = await openSpool(directory);
    const waiting = spool.batches(undefined, { maxEvents: 1 });
    await spool.append({ key: undefined, value: 'a' });
    await waiting.next();
    const next = waiting.next();
    const last = spool.append({ key: undefined, value: 'b' });
    await Promise.all([spool.close(), spool.close()]);
    expect(await last).toMatchObject({ sequence: 2 });
    expect((await next).done).toBe(true);
    await expect(spool.append({ key: undefined, value: 'c' })).rejects.toMatchObject({
      name: 'RetryableError',
      code: 'SPOOL_CLOSED',
    });
    expect(await drain(await openSpool(directory))).toEqual(['a', 'b']);
  });

  it('tells what was released and deleted as a gap to a cursor from before', async () => {
    const spool = await openSpool(spoolDirectory(), { maxSegmentBytes: 1 });
    for (const value of ['a', 'b', 'c', 'd']) await spool.append({ key: undefined, value });
    spool.release(3);
    await expect.poll(() => spool.stats.firstSequence).toBe(4);
    expect(await drain(spool, 1)).toEqual(['gap 2-3 released', 'd']);
    expect(await drain(spool)).toEqual(['d']);
  });

  it('refuses a cursor from beyond its end, and a release of what there never was', async () => {
    const spool = await openSpool(spoolDirectory());
    await spool.append({ key: undefined, value: 'a' });
    for (const sequence of [2, -1, 1.5, Number.NaN]) {
      const batches = spool.batches(sequence, { maxEvents: 1 });
      await expect(batches.next()).rejects.toMatchObject({ name: 'CursorError', code: 'SPOOL_CURSOR_BEYOND' });
      expect(() => spool.release(sequence)).toThrow(/was replaced, or is older/);
    }
  });

  it('begins behind what was released, over restarts, and has another name when it was replaced', async () => {
    const directory = spoolDirectory();
    const first = await openSpool(directory);
    for (const value of ['a', 'b', 'c']) await first.append({ key: undefined, value });
    first.release(2);
    first.release(1);
    await first.close();
    const second = await openSpool(directory);
    expect(second.stats.releasedSequence).toBe(2);
    expect(await drain(second)).toEqual(['c']);
    expect(await drain(second, 0)).toEqual(['a', 'b', 'c']);
    expect((await openSpool(spoolDirectory())).id).not.toBe(second.id);
  });
});

describe('Spool, bounded', () => {
  it('AG5: refuses what does not fit, says so, and takes it again when its consumer has caught up', async () => {
    const spool = await openSpool(spoolDirectory(), { maxBytes: 10_000 });
    const append = (key: string) => spool.append({ key, value: 'x'.repeat(900) });
    let taken = 0;
    const fill = async (): Promise<unknown> => {
      for (;;) {
        const error = await append(`${taken}`).catch((reason: unknown) => reason);
        if (error instanceof Error) return error;
        taken += 1;
      }
    };
    expect(await fill()).toMatchObject({ name: 'RetryableError', code: 'SPOOL_FULL' });
    expect(taken).toBeGreaterThan(7);
    expect(spool.stats.bytes).toBeLessThanOrEqual(10_000);
    expect(await append('0')).toEqual({ sequence: 1, isDuplicate: true });
    spool.release(taken);
    expect(await append('more')).toEqual({ sequence: taken + 1, isDuplicate: false });
  });

  it('AG5: counts what waits for the disk, and keeps only so much of it in memory', async () => {
    const spool = await openSpool(spoolDirectory(), { maxBytes: 3_000 });
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => spool.append({ key: undefined, value: 'x'.repeat(900) })),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    const large = await openSpool(spoolDirectory());
    const value = Buffer.alloc(16 * 1024 * 1024);
    const busy = await Promise.allSettled(Array.from({ length: 6 }, () => large.append({ key: undefined, value })));
    expect(busy.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
    ]);
    expect(busy.at(-1)).toMatchObject({ reason: { name: 'RetryableError', code: 'SPOOL_BUSY' } });
  });

  it('puts aside what never fits', async () => {
    const spool = await openSpool(spoolDirectory(), { maxBytes: 1_000 });
    const append = spool.append({ key: undefined, value: 'x'.repeat(1_000) });
    await expect(append).rejects.toMatchObject({ name: 'SkippableError', code: 'SPOOL_RECORD_TOO_LARGE' });
  });

  it('hands out records that are larger than what is read at once, and than a segment', async () => {
    const directory = spoolDirectory();
    const values = ['a'.repeat(300_000), 'b', 'c'.repeat(700_000)];
    const spool = await openSpool(directory, { maxSegmentBytes: 1_000 });
    for (const value of values) await spool.append({ key: undefined, value });
    await spool.close();
    const again = await openSpool(directory);
    expect(await drain(again)).toEqual(values);
  });

  it('WH5: remembers only so many keys, the newest, and says so once', async () => {
    const logger = new RecordingLogger();
    const spool = await openSpool(spoolDirectory(), { maxKeys: 10, logger });
    for (let number = 0; number < 15; number += 1) await spool.append({ key: `${number}`, value: '' });
    expect(spool.stats).toMatchObject({ keys: 10, keysForgottenEarly: 5 });
    expect(await spool.append({ key: '5', value: '' })).toMatchObject({ isDuplicate: true });
    expect(await spool.append({ key: '4', value: '' })).toMatchObject({ isDuplicate: false });
    expect(logger.lines).toHaveLength(1);
  });

  it('WH5: remembers a key for as long as its sender may repeat it, and long keys by their hash', async () => {
    const clock = new FakeClock(0);
    const spool = await openSpool(spoolDirectory(), { clock, keyTtlMs: 60_000 });
    const long = 'k'.repeat(10_000);
    await spool.append({ key: 'short', value: '' });
    await spool.append({ key: long, value: '', keyTtlMs: 600_000 });
    expect(spool.stats.bytes).toBeLessThan(1_000);
    await clock.advance(300_000);
    expect(await spool.append({ key: long, value: '' })).toEqual({ sequence: 2, isDuplicate: true });
    expect(await spool.append({ key: `${long}x`, value: '' })).toEqual({ sequence: 3, isDuplicate: false });
    expect(await spool.append({ key: 'short', value: '' })).toEqual({ sequence: 4, isDuplicate: false });
  });

  it('AG5: holds nothing of a flood that its consumer has not read', async () => {
    const spool = await openSpool(spoolDirectory());
    const batches: AsyncIterator<SpoolBatch> = spool.batches(undefined, { maxEvents: 1 });
    const flood = async (): Promise<void> => {
      const value = Buffer.alloc(64 * 1024, 'x');
      const writes = Array.from({ length: 32 }, () => spool.append({ key: undefined, value: Buffer.from(value) }));
      await Promise.all(writes);
    };
    await flood();
    await batches.next();
    const before = process.memoryUsage();
    for (let round = 0; round < 100; round += 1) await flood();
    const { arrayBuffers } = process.memoryUsage();
    expect(spool.stats.bytes).toBeGreaterThan(200_000_000);
    expect(arrayBuffers - before.arrayBuffers).toBeLessThan(100_000_000);
    expect((await batches.next()).value.records[0].sequence).toBe(2);
  });
});
