import { appendFileSync, closeSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { GapError } from 'headwater';
import { describe, expect, it } from 'vitest';
import { brief, follow, LogDirectory } from './directory.js';

const idsOf = (events: readonly { id: string }[]): string[] => events.map(({ id }) => id);

describe.each([
  ['told of changes', { watch: true, rescanIntervalMs: 600_000 }],
  ['LG12: looking from time to time, without being told', { watch: false, pollIntervalMs: 20 }],
])('while it follows, %s', (_, config) => {
  it('LG1: a renamed file is read to its end, lines that come late too, then the new one', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', 'one\n');
    const { until, events } = await follow(directory, config);
    await until('one');
    const writer = openSync(directory.path('app.log'), 'a');
    directory.append('app.log', 'two\n');
    directory.rename('app.log', 'app.log.1');
    writeSync(writer, 'three\n');
    await until('one', 'two', 'three');
    writeSync(writer, 'four\nfive\n');
    await until('one', 'two', 'three', 'four', 'five');
    directory.write('app.log', 'six\n');
    await until('one', 'two', 'three', 'four', 'five', 'six');
    writeSync(writer, 'late\n');
    closeSync(writer);
    await until('one', 'two', 'three', 'four', 'five', 'six', 'late');
    expect(events.every((event) => event.type === 'log.line' && event.data.file === 'app.log')).toBe(true);
  });

  it('LG2: a file that is copied and cut off goes on from its beginning, after a gap, and nothing is repeated', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', 'one\ntwo\n');
    const { until } = await follow(directory, config);
    await until('one', 'two');
    directory.copyTruncate('app.log', 'app.log.1');
    directory.append('app.log', 'three\n');
    await until('one', 'two', 'gap file-truncated', 'three');
    directory.copyTruncate('app.log', 'app.log.1');
    directory.append('app.log', 'longer than all that was there before\n');
    const longer = 'longer than all that was there before';
    await until('one', 'two', 'gap file-truncated', 'three', 'gap file-truncated', longer);
  });

  it('LG2: a file that is cut off without a copy is a gap', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', 'one\ntwo\n');
    const { until } = await follow(directory, config);
    await until('one', 'two');
    directory.copyTruncate('app.log', undefined);
    directory.append('app.log', 'x\n');
    await until('one', 'two', 'gap file-truncated', 'x');
  });

  it('a file that is removed is read to its end', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', 'one\n');
    const { until } = await follow(directory, { ...config, rotateWaitMs: 100 });
    await until('one');
    const writer = openSync(directory.path('app.log'), 'a');
    directory.remove('app.log');
    writeSync(writer, 'two\n');
    closeSync(writer);
    await until('one', 'two');
  });

  it('new files are found, in new directories too', async () => {
    const directory = new LogDirectory();
    directory.write('a/x.log', 'one\n');
    const { until } = await follow(directory, { ...config, files: '**/*.log' });
    await until('one');
    directory.write('a/y.log', 'two\n');
    await until('one', 'two');
    directory.write('b/c/z.log', 'three\n');
    await until('one', 'two', 'three');
    directory.append('b/c/z.log', 'four\n');
    await until('one', 'two', 'three', 'four');
  });
});

describe('while nobody looked', () => {
  it('LG5: two rotations: the rest of the compressed file, the one after it, then the new one, with the same ids', async () => {
    const whole = new LogDirectory();
    whole.write('app.log', 'one\ntwo\nthree\n');
    const directory = new LogDirectory();
    directory.write('app.log', 'one\n');
    const first = await directory.run();
    directory.append('app.log', 'two\nthree\n');
    const expected = await (await directory.source()).generateEvents({ acknowledge: false }).next();
    directory.age('app.log', 20);
    directory.rename('app.log', 'app.log.1');
    directory.write('app.log', 'four\n');
    directory.age('app.log', 10);
    directory.compress('app.log.1', 'app.log.2.gz');
    directory.rename('app.log', 'app.log.1');
    directory.write('app.log', 'five\n');
    const events = await directory.run();
    expect(events.map(brief)).toEqual(['two', 'three', 'four', 'five']);
    expect(events[0]?.id).toBe(expected.value?.id);
    expect(events.map((event) => event.type === 'log.line' && event.data.file)).toEqual(Array(4).fill('app.log'));
    expect(new Set(idsOf([...first, ...events])).size).toBe(5);
    expect(await directory.brief()).toEqual([]);
  });

  it.each(['app.log.1', 'app.log-20261125', 'app-2026-11-25.log', 'app.log.old', 'app.log-2026-11-25-07.gz'])(
    'LG5: a file that is %s by now is found, its rest comes first',
    async (name) => {
      const directory = new LogDirectory();
      directory.write('app.log', 'one\ntwo\n');
      await directory.run({ files: 'app.log' }, { limit: 1 });
      if (name.endsWith('.gz')) directory.compress('app.log', name);
      else directory.rename('app.log', name);
      directory.write('app.log', 'three\n');
      expect(await directory.brief({ files: 'app.log' })).toEqual(['two', 'three']);
      expect(await directory.brief({ files: 'app.log' })).toEqual([]);
    },
  );

  it('LG5: another directory for rotated files', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', 'one\ntwo\n');
    const config = { files: '*.log', rotated: ['old/*'] };
    await directory.run(config, { limit: 1 });
    directory.write('old/other', 'x\n');
    directory.age('old/other', 1_000);
    directory.rename('app.log', 'old/somewhere');
    expect(await directory.brief(config)).toEqual(['two']);
  });

  it('LG5: a file that is gone is a gap, and with onGap throw the cursor stays before it', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', 'one\ntwo\n');
    await directory.run({}, { limit: 1 });
    directory.remove('app.log');
    writeFileSync(directory.path('app.log'), 'a new file\n');
    const source = await directory.source({}, 'throw');
    const before = source.getCursor();
    await expect(source.generateEvents().next()).rejects.toThrow(GapError);
    expect(source.getCursor()).toEqual(before);
    const events = await directory.run();
    expect(events.map(brief)).toEqual([expect.stringMatching(/^gap file-(vanished|truncated)$/), 'a new file']);
    expect(events[0]?.data).toMatchObject({ from: { file: 'app.log', offset: 4 } });
  });

  it('a file that was complete is no gap when it is gone', async () => {
    const directory = new LogDirectory();
    directory.write('app-1.log', 'one\n');
    directory.age('app-1.log', 90_000);
    expect(await directory.brief()).toEqual(['one']);
    directory.remove('app-1.log');
    directory.write('app-2.log', 'two\n');
    expect(await directory.brief()).toEqual(['two']);
  });

  it('LG2: cut off and grown beyond where it was read: the rest comes from the copy', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', 'one\ntwo\n');
    await directory.run({}, { limit: 1 });
    directory.copyTruncate('app.log', 'app.log.1');
    directory.append('app.log', 'three and much more than there was\n');
    expect(await directory.brief()).toEqual(['two', 'gap file-truncated', 'three and much more than there was']);
    expect(await directory.brief()).toEqual([]);
  });

  it('LG2: the same first line after each cut makes other ids', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', '#header\none\n');
    const events = await directory.run();
    for (const line of ['two', 'three']) {
      directory.copyTruncate('app.log', 'app.log.1');
      directory.append('app.log', `#header\n${line}\n`);
      events.push(...(await directory.run()));
    }
    const lines = events.filter((event) => event.type === 'log.line');
    expect(lines.map(brief)).toEqual(['#header', 'one', '#header', 'two', '#header', 'three']);
    expect(new Set(idsOf(events)).size).toBe(8);
  });

  it('LG2: a hole that the writer left in front is passed over, and told of', async () => {
    const directory = new LogDirectory();
    const writer = openSync(directory.path('app.log'), 'w');
    writeSync(writer, `${'x'.repeat(100)}\n`);
    expect(await directory.brief()).toHaveLength(1);
    directory.copyTruncate('app.log', 'app.log.1');
    writeSync(writer, 'after\n');
    closeSync(writer);
    const [gap, ...events] = await directory.run();
    expect(gap?.data).toMatchObject({ reason: 'file-truncated', from: { offset: 101 } });
    expect(events.map((event) => event.data)).toEqual([{ file: 'app.log', offset: 101, line: 'after', nulBytes: 101 }]);
  });
});

describe('identity', () => {
  it('LG3: the inode of a removed file, given to another one, is another file', async () => {
    const directory = new LogDirectory();
    directory.write('a.log', 'one\n');
    expect(await directory.brief({ completeAfterMs: 0 })).toEqual(['one']);
    const { ino } = statSync(directory.path('a.log'));
    directory.remove('a.log');
    for (let tries = 0; tries < 50; tries += 1) {
      directory.write(`b${tries}.log`, 'another one\n');
      if (statSync(directory.path(`b${tries}.log`)).ino === ino) break;
    }
    const lines = await directory.brief({ completeAfterMs: 0 });
    expect(new Set(lines)).toEqual(new Set(['another one']));
  });

  it('LG3: files with the same first lines are all read', async () => {
    const directory = new LogDirectory();
    const header = `#Software: server\n#Fields: ${'x'.repeat(1_200)}\n`;
    for (const name of ['a', 'b', 'c']) directory.write(`${name}.log`, `${header}${name}\n`);
    const events = await directory.run();
    expect(events).toHaveLength(9);
    expect(new Set(idsOf(events)).size).toBe(9);
    for (const name of ['a', 'b', 'c']) directory.append(`${name}.log`, `more ${name}\n`);
    expect((await directory.brief()).sort()).toEqual(['more a', 'more b', 'more c']);
  });

  it('LG4: a tiny file is read at once, and known again as it grows', async () => {
    const directory = new LogDirectory();
    directory.write('a.log', 'tiny\n');
    const events = await directory.run();
    for (let size = 0; size < 12; size += 1) {
      directory.append('a.log', `${'y'.repeat(size * 30)}\n`);
      events.push(...(await directory.run()));
    }
    expect(events).toHaveLength(13);
    expect(new Set(idsOf(events)).size).toBe(13);
  });

  it('LG12: another device number, after a mount, reads nothing again', async () => {
    const directory = new LogDirectory();
    directory.write('a.log', 'one\n');
    await directory.run();
    const [file] = directory.cursor?.files ?? [];
    directory.cursor = { retired: [], files: [{ ...(file as NonNullable<typeof file>), device: 4_711 }] };
    expect(await directory.brief()).toEqual([]);
    directory.append('a.log', 'two\n');
    expect(await directory.brief()).toEqual(['two']);
  });

  it('a copy beside the file, as copytruncate makes it, is not read until the file is cut off', async () => {
    const directory = new LogDirectory();
    const config = { files: 'app.log*' };
    directory.write('app.log', 'one\ntwo\n');
    expect(await directory.brief(config)).toEqual(['one', 'two']);
    directory.append('app.log', 'three\n');
    writeFileSync(directory.path('app.log.1'), 'one\ntwo\nthree\n');
    expect(await directory.brief(config)).toEqual(['three']);
    rmSync(directory.path('app.log.1'));
    appendFileSync(directory.path('app.log'), 'four\n');
    directory.copyTruncate('app.log', 'app.log.1');
    directory.append('app.log', 'five\n');
    expect(await directory.brief(config)).toEqual(['four', 'gap file-truncated', 'five']);
    expect(await directory.brief(config)).toEqual([]);
  });
});
