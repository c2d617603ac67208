import { appendFileSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { FakeClock } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { brief, follow, LogDirectory } from './directory.js';

describe('the last line', () => {
  it('LG6: waits for its line feed, and comes once and whole, whatever process reads it', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', 'one\ntw');
    expect(await directory.brief()).toEqual(['one']);
    expect(directory.cursor?.files[0]?.offset).toBe(4);
    directory.append('app.log', 'o €');
    expect(await directory.brief()).toEqual([]);
    directory.append('app.log', '\n');
    const [event] = await directory.run();
    expect(event?.data).toEqual({ file: 'app.log', offset: 4, line: 'two €' });
  });

  it('LG6: is delivered when nothing is added to it, if that is asked for, and its rest is a continuation', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', 'one\n');
    const { events, until } = await follow(directory, { idleFlushMs: 50 });
    await until('one');
    directory.append('app.log', 'tw');
    await until('one', 'tw');
    directory.append('app.log', 'o\nthree\n');
    await until('one', 'tw', 'o', 'three');
    expect(events.slice(1).map(({ data }) => data)).toEqual([
      { file: 'app.log', offset: 4, line: 'tw', continued: true },
      { file: 'app.log', offset: 6, line: 'o', continuation: true },
      { file: 'app.log', offset: 8, line: 'three' },
    ]);
  });

  it('LG6: of a rotated file that nobody writes to any more needs no line feed', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', 'one\ntwo');
    expect(await directory.brief()).toEqual(['one']);
    directory.rename('app.log', 'app.log.1');
    directory.age('app.log.1', 60);
    directory.write('app.log', 'three\n');
    expect(await directory.brief()).toEqual(['three', 'two']);
    expect(await directory.brief()).toEqual([]);
  });
});

describe('a file that is empty when it is met', () => {
  it.each([
    ['by a name within the directory', (directory: LogDirectory) => ({ files: 'app.log', dir: directory.root })],
    ['by its whole name', (directory: LogDirectory) => ({ files: directory.path('app.log'), dir: '/' })],
  ])('is read from its beginning when something is written to it: %s', async (_, configOf) => {
    const directory = new LogDirectory();
    directory.write('app.log', '');
    const config = configOf(directory);
    expect(await directory.brief(config)).toEqual([]);
    const { until } = await follow(directory, config);
    directory.append('app.log', 'one\n');
    await until('one');
    directory.append('app.log', 'two\n');
    await until('one', 'two');
  });
});

describe('where a first run begins', () => {
  it("'end': behind the last line that is complete, and files that come later from their beginning", async () => {
    const directory = new LogDirectory();
    directory.write('app.log', `old\n${'x'.repeat(300_000)}\nhalf`);
    expect(await directory.brief({ start: 'end' })).toEqual([]);
    directory.append('app.log', ' a line\nnew\n');
    directory.write('later.log', 'all of it\n');
    expect((await directory.brief({ start: 'end' })).sort()).toEqual(['all of it', 'half a line', 'new']);
  });

  it('a time: earlier lines are passed over, with those that belong to them, and the cursor passes them', async () => {
    const directory = new LogDirectory();
    const [early, late] = ['2026-11-25T10:00:00Z', '2026-11-25T12:00:00Z'];
    directory.write('app.log', `${early} early\n  of early\n${late} late\n  of late\n${late} later\n`);
    directory.write('old.log', `${late} written long ago\n`);
    directory.age('old.log', 10 * 365 * 86_400);
    const config = { start: '2026-11-25T11:00:00Z' };
    const source = await directory.source(config);
    const events = source.generateEvents();
    expect((await events.next()).value).toMatchObject({ time: late, data: { line: `${late} late` } });
    expect((await events.next()).value).toMatchObject({ data: { line: '  of late' } });
    directory.cursor = source.getCursor();
    await events.return();
    expect(await directory.brief(config)).toEqual(['  of late', `${late} later`]);
  });
});

describe('formats', () => {
  it('LG13: a line that does not parse comes as it is, with the reason', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', '{"level":30,"msg":"good"}\n{"level":\n{"level":40}\n');
    const events = await directory.run({ format: 'json' });
    expect(events.map(brief)).toEqual(['{"level":30,"msg":"good"}', '{"level":', '{"level":40}']);
    expect(events[0]?.data).toMatchObject({ fields: { level: 30, msg: 'good' }, message: 'good', level: 'info' });
    expect(events[1]?.data).toEqual({ file: 'app.log', offset: 26, line: '{"level":', parseError: expect.anything() });
  });

  it('gzip files are read like others, all of their members, and are gone on with in the middle', async () => {
    const directory = new LogDirectory();
    directory.write('app.log.gz', Buffer.concat([gzipSync('one\ntw'), gzipSync('o\nthree\n')]));
    const config = { files: '*.gz' };
    expect(await directory.brief(config, { limit: 1 })).toEqual(['one']);
    expect(await directory.brief(config)).toEqual(['two', 'three']);
    expect(await directory.brief(config)).toEqual([]);
  });

  it('a gzip file that is cut off goes on where it was when it is whole', async () => {
    const directory = new LogDirectory();
    const whole = gzipSync(Array.from({ length: 20_000 }, (_, index) => `line ${index} ${Math.sin(index)}\n`).join(''));
    directory.write('app.log.gz', whole.subarray(0, whole.length >> 1));
    const first = await directory.brief({ files: '*.gz' });
    expect(first.length).toBeGreaterThan(0);
    appendFileSync(directory.path('app.log.gz'), whole.subarray(whole.length >> 1));
    expect(readFileSync(directory.path('app.log.gz')).equals(whole)).toBe(true);
    const second = await directory.brief({ files: '*.gz' });
    expect(first.length + second.length).toBe(20_000);
    expect(second[0]).toContain(`line ${first.length} `);
  });
});

describe('LG9: several lines to an event', () => {
  const multiline = { start: /^\d/ };
  const text = '1 first\n  at a\n  at b\n2 second\n3 third\n  at c\n';

  it('come as one, and the cursor never points into them', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', text);
    const starts = [0, 22, 31];
    for (let limit = 1; limit <= 3; limit += 1) {
      directory.cursor = undefined;
      const events = await directory.run({ multiline }, { limit });
      expect(events.map(brief)).toEqual(['1 first\n  at a\n  at b', '2 second', '3 third\n  at c'].slice(0, limit));
      const saved = (directory as LogDirectory).cursor;
      expect([...starts, 46]).toContain(saved?.files[0]?.offset);
      expect(events.map(({ data }) => 'offset' in data && data.offset)).toEqual(starts.slice(0, limit));
      const rest = await directory.brief({ multiline });
      expect([...events.map(brief), ...rest].join('\n')).toBe(text.trimEnd());
    }
  });

  it('are told when no line came for long enough', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', '1 first\n');
    const { until } = await follow(directory, { multiline: { ...multiline, timeoutMs: 50 } });
    await until('1 first');
    directory.append('app.log', '2 second\n  more\n');
    await until('1 first', '2 second\n  more');
  });

  it('are cut by number and bytes', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', text);
    expect(await directory.brief({ multiline: { ...multiline, maxLines: 2 } })).toEqual([
      '1 first\n  at a',
      '  at b',
      '2 second',
      '3 third\n  at c',
    ]);
    directory.cursor = undefined;
    expect((await directory.brief({ multiline: { ...multiline, maxBytes: 16 } }))[0]).toBe('1 first\n  at a');
  });

  it('are whole where a rotation cut them in two', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', '1 first\n  at a\n');
    const { until, events, stop } = await follow(directory, { multiline: { ...multiline, timeoutMs: 3_000 } });
    directory.rename('app.log', 'app.log.1');
    directory.append('app.log', '  at b\n2 second\n');
    await until('1 first\n  at a\n  at b');
    expect(events[0]?.data).toMatchObject({ file: 'app.log', offset: 0 });
    await stop();
    expect(await directory.brief({ multiline })).toEqual(['2 second']);
  });

  it('end where the file was cut off: something may be missing there, and the gap stays told', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', '1 first\n  at a\n');
    const { until, stop } = await follow(directory, { multiline: { ...multiline, timeoutMs: 60_000 } });
    directory.copyTruncate('app.log', 'app.log.1');
    directory.append('app.log', '  at b\n2 second\n');
    await until('1 first\n  at a', 'gap file-truncated', '  at b');
    await stop();
    expect(await directory.brief({ multiline })).toEqual(['2 second']);
  });

  it('parts of a line that is too long make one line again', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', `1 ${'x'.repeat(50)}\n  at a\n2\n`);
    expect((await directory.brief({ multiline, maxLineBytes: 16 }))[0]).toBe(`1 ${'x'.repeat(50)}\n  at a`);
  });
});

it('many files are read in turn, each in its order, and few of them are open at once', async () => {
  const directory = new LogDirectory();
  for (let file = 0; file < 12; file += 1) {
    const lines = Array.from({ length: 9_000 }, (_, index) => `${file} ${index} ${'.'.repeat(30)}\n`);
    directory.write(`${file}.log`, lines.join(''));
  }
  const last = new Map<string, number>();
  const firstOf: string[] = [];
  const source = await directory.source({ maxOpenFiles: 4 });
  for await (const event of source.generateEvents()) {
    if (event.type !== 'log.line') throw new Error(event.type);
    const [file = '', index = ''] = event.data.line.split(' ');
    expect(Number(index)).toBe((last.get(file) ?? -1) + 1);
    if (!last.has(file)) firstOf.push(file);
    last.set(file, Number(index));
    // None is finished before all have begun.
    if (Number(index) === 8_999) expect(firstOf).toHaveLength(12);
  }
  expect([...last.values()]).toEqual(Array(12).fill(8_999));
});

it('waits by the clock it is given, and looks no more often than it has to', async () => {
  const directory = new LogDirectory();
  directory.write('app.log', 'one\n');
  const clock = new FakeClock(Date.now());
  const source = await directory.source({ watch: false, pollIntervalMs: 60_000 }, 'emit', clock);
  const events = source.generateEvents({ follow: true });
  expect((await events.next()).value).toMatchObject({ data: { line: 'one' } });
  const next = events.next();
  while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
  directory.append('app.log', 'two\n');
  await clock.advance(60_000);
  expect((await next).value).toMatchObject({ data: { line: 'two' } });
  await events.return();
});
