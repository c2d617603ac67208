import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { DirectoryLock } from '../../../src/toolkit/spool/directory-lock.js';
import { scratchDirectory } from '../../cursors/scratch.js';
import { Program } from '../../support/program.js';
import { openSpool, spoolDirectory } from './opened.js';

describe('the lock of a directory', () => {
  let program: Program;
  beforeAll(async () => {
    program = await Program.build(new URL('./programs/lock-taker.ts', import.meta.url));
  });
  afterAll(() => program.dispose());

  it('is had by one at a time, in one process', async () => {
    const directory = spoolDirectory();
    const first = await openSpool(directory);
    await expect(openSpool(directory)).rejects.toMatchObject({ name: 'RetryableError', code: 'SPOOL_LOCKED' });
    await first.append({ key: undefined, value: 'a' });
    await first.close();
    expect((await openSpool(directory)).stats.lastSequence).toBe(1);
  });

  it('is had by one at a time of many processes that want it, and leaves no names behind', async () => {
    const directory = scratchDirectory();
    const ended = await Promise.all(['red', 'green', 'blue'].map((name) => program.run(directory, name, 10)));
    expect(ended.map(({ errors, code }) => ({ errors, code }))).toEqual(Array(3).fill({ errors: '', code: 0 }));
    // Each holder makes a file that must not be there, and removes it.
    expect(ended.flatMap(({ lines }) => lines)).toHaveLength(30);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('ends with its process, however that ends, and not before', async () => {
    const directory = scratchDirectory();
    const holder = holding(program, directory);
    await once(holder.stdout as NodeJS.ReadableStream, 'data');
    await expect(DirectoryLock.take(directory)).rejects.toMatchObject({ code: 'SPOOL_LOCKED' });
    holder.kill('SIGSTOP');
    await expect(DirectoryLock.take(directory)).rejects.toMatchObject({ code: 'SPOOL_LOCKED' });
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    const lock = await DirectoryLock.take(directory);
    expect(readdirSync(directory).filter((name) => name !== 'held')).toHaveLength(1);
    lock.release();
  });

  it('holds in a directory whose path is longer than a socket may have', async () => {
    const directory = join(scratchDirectory(), 'long'.repeat(40));
    mkdirSync(directory);
    const lock = await DirectoryLock.take(directory);
    await expect(DirectoryLock.take(directory)).rejects.toMatchObject({ code: 'SPOOL_LOCKED' });
    lock.release();
    (await DirectoryLock.take(directory)).release();
  });
});

function holding(program: Program, directory: string): ChildProcess {
  const child = spawn(process.execPath, [program.file, directory, 'holder', '-1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}
