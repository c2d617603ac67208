import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onFaultPoint, scratchDirectory } from '../../cursors/scratch.js';
import { describeWith, hasProgram } from '../../services/needs.js';
import { Program } from '../../support/program.js';
import { drain, openSpool, spoolDirectory } from './opened.js';

const APPEND_STEPS = ['write', 'fsync', 'write-temp', 'fsync-temp', 'rename', 'fsync-directory'];
const DELETE_STEPS = ['unlink', 'keys-write', 'keys-fsync', 'rename', 'write-temp'];

describe('Spool, when the disk fails', () => {
  it.each(
    APPEND_STEPS.flatMap((step) =>
      ['before', 'after'].flatMap((when) => ['ENOSPC', 'EIO'].map((code) => [step, when, code] as const)),
    ),
  )(
    'promises nothing, at %s.%s with %s, keeps what it had, and takes more when it works again',
    async (step, when, code) => {
      const directory = spoolDirectory();
      const spool = await openSpool(directory, { maxSegmentBytes: 1 });
      await spool.append({ key: 'a', value: 'a' });
      const mend = failAt(`spool.${step}.${when}`, code);
      const [one, two] = await Promise.allSettled(['b', 'c'].map((key) => spool.append({ key, value: key })));
      for (const result of [one, two]) {
        expect(result).toMatchObject({
          status: 'rejected',
          reason: { name: 'RetryableError', code: code === 'ENOSPC' ? 'SPOOL_DISK_FULL' : 'SPOOL_IO' },
        });
      }
      expect(await drain(spool)).toEqual(['a']);
      mend();
      expect(await spool.append({ key: 'c', value: 'c' })).toEqual({ sequence: 2, isDuplicate: false });
      expect(await drain(spool)).toEqual(['a', 'c']);
      await spool.close();
      const again = await openSpool(directory);
      expect(await drain(again)).toEqual(['a', 'c']);
      expect(again.stats.damage).toEqual([]);
      expect(await again.append({ key: 'b', value: 'b' })).toMatchObject({ isDuplicate: false });
    },
  );

  it.each(DELETE_STEPS.flatMap((step) => ['ENOSPC', 'EIO'].map((code) => [step, code] as const)))(
    'forgets nothing when a segment cannot be deleted, at %s with %s, and tries again',
    async (step, code) => {
      const directory = spoolDirectory();
      const spool = await openSpool(directory, { maxSegmentBytes: 1 });
      for (const key of ['a', 'b', 'c', 'd']) await spool.append({ key, value: key });
      // The journal of keys is made with the first segment that goes, and appended to with the next.
      const isOfFirst = step === 'rename' || step === 'write-temp';
      if (!isOfFirst) spool.release(1);
      if (!isOfFirst) await expect.poll(() => spool.stats.firstSequence).toBe(2);
      let failures = 0;
      const mend = failAt(`spool.${step}.before`, code, () => {
        failures += 1;
      });
      spool.release(2);
      await expect.poll(() => failures).toBeGreaterThan(0);
      mend();
      spool.release(3);
      await expect.poll(() => spool.stats.firstSequence).toBe(4);
      await spool.close();
      const again = await openSpool(directory);
      for (const [index, key] of ['a', 'b', 'c', 'd'].entries())
        expect(await again.append({ key, value: key })).toEqual({ sequence: index + 1, isDuplicate: true });
    },
  );

  it('makes room on a disk that is full to the last byte by deleting what was acknowledged', async () => {
    const directory = spoolDirectory();
    const spool = await openSpool(directory, { maxSegmentBytes: 1 });
    for (const key of ['a', 'b']) await spool.append({ key, value: key });
    let isFull = true;
    onFaultPoint((name) => {
      // The first attempt finds no room for the keys; the segment itself gives it.
      if (name === 'spool.write-temp.before' && isFull) {
        isFull = false;
        throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      }
    });
    spool.release(1);
    await expect.poll(() => spool.stats.firstSequence).toBe(2);
    expect(await spool.append({ key: 'a', value: 'a' })).toEqual({ sequence: 1, isDuplicate: true });
  });

  it('gives the same answer to a repeated delivery that waits for the first', async () => {
    const spool = await openSpool(spoolDirectory());
    const mend = failAt('spool.fsync.before', 'EIO');
    const results = await Promise.allSettled(['one', 'two'].map((value) => spool.append({ key: 'k', value })));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    mend();
    expect(await spool.append({ key: 'k', value: 'three' })).toEqual({ sequence: 1, isDuplicate: false });
    expect(await drain(spool)).toEqual(['three']);
  });
});

describe('Spool, where it may not be', () => {
  it('says what is in its way, and what to do', async () => {
    const root = scratchDirectory();
    writeFileSync(join(root, 'file'), '');
    const opening = openSpool(join(root, 'file', 'spool'));
    await expect(opening).rejects.toMatchObject({ name: 'FatalError', code: 'SPOOL_ACCESS_DENIED' });
    await expect(openSpool(join(root, 'file', 'spool'))).rejects.toThrow(/ENOTDIR.*use another path/);
  });

  it('does not follow a link in place of a segment', async () => {
    const root = scratchDirectory();
    mkdirSync(join(root, 'spool'));
    writeFileSync(join(root, 'elsewhere'), 'precious');
    symlinkSync(join(root, 'elsewhere'), join(root, 'spool', '0000000000000001.segment'));
    await expect(openSpool(join(root, 'spool'))).rejects.toMatchObject({ code: 'SPOOL_ACCESS_DENIED' });
  });
});

describeWith('prlimit', hasProgram('prlimit', '--version'), 'Spool, at the limit of a file', () => {
  let program: Program;
  beforeAll(async () => {
    program = await Program.build(new URL('./programs/until-full.ts', import.meta.url));
  });
  afterAll(() => program.dispose());

  it('cuts off what the system took only a part of, and answers every append', async () => {
    const directory = spoolDirectory();
    const { lines, errors } = await program.run(directory);
    expect(errors).toBe('');
    const promised = lines.filter((line) => line.startsWith('kept ')).map((line) => line.slice(5));
    expect(lines.at(-1)).toBe('SPOOL_DISK_FULL');
    expect(promised.length).toBeGreaterThan(5);
    const spool = await openSpool(directory);
    expect(spool.stats.damage).toEqual([]);
    expect((await drain(spool)).map((value) => value.trim())).toEqual(promised);
  });
});

/** Fails at this point, as the operating system would, until it is mended. */
function failAt(point: string, code: string, told: () => void = () => {}): () => void {
  let isBroken = true;
  onFaultPoint((name) => {
    if (name !== point || !isBroken) return;
    told();
    throw Object.assign(new Error(`${code}: by the test`), { code });
  });
  return () => {
    isBroken = false;
  };
}
