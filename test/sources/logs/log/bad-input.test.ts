import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, ftruncateSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { ConfigError, CursorError, NotFoundError } from 'headwater';
import { LogSource } from 'headwater/sources/logs/log';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Program } from '../../../support/program.js';
import { LogDirectory } from './directory.js';

describe('what is not as it should be', () => {
  it('a directory that is not there ends the run, and validate() says so', async () => {
    const source = await LogSource.create({ id: 'logs', config: { dir: '/nowhere/at/all', files: '*.log' } });
    await expect(source.generateEvents().next()).rejects.toThrow(NotFoundError);
    const { ok, problems } = await source.validate();
    expect([ok, problems[0]?.code]).toEqual([false, 'LOG_ROOT']);
    const directory = new LogDirectory();
    const other = await directory.source({ files: ['*.log', 'missing/*.log'] });
    await expect(other.generateEvents().next()).rejects.toMatchObject({ code: 'LOG_ROOT' });
  });

  it('no files yet is a warning', async () => {
    const source = await new LogDirectory().source();
    expect(await source.validate()).toMatchObject({ ok: true, problems: [{ code: 'LOG_NO_FILES' }] });
  });

  it('a file that may not be read is told of once, the others go on, and it is read when it may be', async () => {
    const directory = new LogDirectory();
    directory.write('a.log', 'secret\n');
    directory.write('b.log', 'open\n');
    const hook = Symbol.for('headwater.faultPoint');
    let isDenied = true;
    const deny = (point: string): void => {
      if (isDenied && point.endsWith('a.log')) throw Object.assign(new Error('denied'), { code: 'EACCES' });
    };
    Object.assign(globalThis, { [hook]: deny });
    onTestFinished(() => void Object.assign(globalThis, { [hook]: undefined }));
    expect(await directory.brief()).toEqual(['error a.log FILE_EACCES', 'open']);
    isDenied = false;
    expect(await directory.brief()).toEqual(['secret']);
  });

  it('validate() names a file that may not be read', async ({ skip }) => {
    skip(process.getuid?.() === 0, 'root may read everything');
    const directory = new LogDirectory();
    directory.write('a.log', 'secret\n');
    chmodSync(directory.path('a.log'), 0);
    const { ok, problems } = await (await directory.source()).validate();
    expect([ok, problems[0]?.code]).toEqual([false, 'LOG_FILE']);
  });

  it('FIFOs and devices are not opened, and links that lead nowhere are no files', async () => {
    const directory = new LogDirectory();
    execFileSync('mkfifo', [directory.path('fifo.log')]);
    symlinkSync('/dev/zero', directory.path('zero.log'));
    symlinkSync('/nowhere', directory.path('nowhere.log'));
    symlinkSync('loop.log', directory.path('loop.log'));
    directory.write('real.log', 'one\n');
    expect(await directory.brief()).toEqual(['one']);
  });

  it('links to files are followed, and a file with two names is read once', async () => {
    const directory = new LogDirectory();
    directory.write('elsewhere/container', 'one\n');
    symlinkSync(directory.path('elsewhere/container'), directory.path('a.log'));
    symlinkSync(directory.path('elsewhere/container'), directory.path('b.log'));
    expect(await directory.brief()).toEqual(['one']);
    expect(await directory.brief({ followSymlinks: false })).toEqual([]);
  });

  it('a binary file comes in lines of bounded length, flagged', async () => {
    const directory = new LogDirectory();
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7_919) % 251));
    directory.write('app.log', bytes);
    const events = await directory.run({ maxLineBytes: 1_000 });
    expect(events.some((event) => event.type === 'log.line' && event.data.invalidBytes === true)).toBe(true);
    expect(events.every((event) => event.type === 'log.line' && event.data.line.length <= 1_000)).toBe(true);
  });

  it('a damaged gzip file is a gap', async () => {
    const directory = new LogDirectory();
    directory.write('app.log.gz', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    expect(await directory.brief({ files: '*.gz' })).toEqual(['gap truncated']);
  });

  it('a pattern that is none is told when the source is made', async () => {
    const directory = new LogDirectory();
    await expect(directory.source({ format: { pattern: '(' } })).rejects.toThrow(ConfigError);
    await expect(directory.source({ multiline: { start: '(' } })).rejects.toThrow(ConfigError);
  });

  it('a cursor of something else is refused', async () => {
    const directory = new LogDirectory();
    directory.cursor = { offset: 3 } as never;
    const source = await directory.source();
    await expect(source.generateEvents().next()).rejects.toThrow(CursorError);
  });
});

it('LG8: a line of 1 GiB comes within 64 MiB of memory beyond its limit', { timeout: 180_000 }, async () => {
  const directory = new LogDirectory();
  const file = openSync(directory.path('app.log'), 'w');
  writeSync(file, 'x');
  ftruncateSync(file, 2 ** 30);
  writeSync(file, '\nlast\n', 2 ** 30);
  closeSync(file);
  const program = await Program.build(new URL('./programs/read-all.ts', import.meta.url));
  onTestFinished(() => program.dispose());
  const { lines, errors } = await program.run(directory.root, JSON.stringify({ maxLineBytes: 65_536 }));
  expect(errors).toBe('');
  const [count, last, grown] = JSON.parse(lines[0] ?? '') as [number, string, number];
  expect([count, last]).toEqual([2 ** 30 / 65_536 + 1, 'last']);
  expect(grown).toBeLessThan(64 * 2 ** 20 + 65_536);
});
