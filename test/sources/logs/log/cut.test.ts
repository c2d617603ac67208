import { truncateSync } from 'node:fs';
import { GapError } from 'headwater';
import { describe, expect, it, onTestFinished } from 'vitest';
import { brief, follow, LogDirectory } from './directory.js';

/** Where a file has been read and then copied, cut off and written to again. */
async function cutDirectory(): Promise<LogDirectory> {
  const directory = new LogDirectory();
  directory.write('app.log', 'one\ntwo\nthree\n');
  await directory.run({}, { limit: 1 });
  directory.copyTruncate('app.log', 'app.log.1');
  directory.append('app.log', 'four\n');
  return directory;
}

describe('LG2: a cut is a gap', () => {
  it('behind what was read of the copy, with the place up to which it was', async () => {
    const directory = await cutDirectory();
    const events = await directory.run();
    expect(events.map(brief)).toEqual(['two', 'three', 'gap file-truncated', 'four']);
    expect(events[2]?.data).toMatchObject({
      from: { file: 'app.log', offset: 14 },
      detail: expect.stringContaining('its copy app.log.1 was read to its end'),
    });
    expect(await directory.brief()).toEqual([]);
  });

  it('also when the run ends, or is killed, anywhere before it was told', async () => {
    for (const limit of [1, 2, 3]) {
      const directory = await cutDirectory();
      const first = await directory.brief({}, { limit });
      const all = [...first, ...(await directory.brief())];
      expect(all, `after ${limit}`).toEqual(['two', 'three', 'gap file-truncated', 'four']);
    }
  });

  it('also when the copy was compressed in the meantime', async () => {
    const directory = await cutDirectory();
    expect(await directory.brief({}, { limit: 1 })).toEqual(['two']);
    directory.compress('app.log.1');
    expect(await directory.brief()).toEqual(['three', 'gap file-truncated', 'four']);
  });

  it('with onGap throw the cursor stays before it and behind the copy, and a run that emits gets past it', async () => {
    const directory = await cutDirectory();
    for (const expected of [['two', 'three'], []]) {
      const source = await directory.source({}, 'throw');
      const lines: string[] = [];
      const reading = (async () => {
        for await (const event of source.generateEvents()) lines.push(brief(event));
      })();
      await expect(reading).rejects.toThrow(GapError);
      expect(lines).toEqual(expected);
      directory.cursor = source.getCursor();
    }
    expect(await directory.brief()).toEqual(['gap file-truncated', 'four']);
  });

  it('each of several while nobody looked has its own', async () => {
    const directory = await cutDirectory();
    directory.rename('app.log.1', 'app.log.2');
    directory.copyTruncate('app.log', 'app.log.1');
    directory.append('app.log', 'five\n');
    const gap = 'gap file-truncated';
    expect(await directory.brief()).toEqual(['two', 'three', gap, 'four', gap, 'five']);
  });

  it('of a file that was empty when it was looked at, and is empty again', async () => {
    const directory = await cutDirectory();
    truncateSync(directory.path('app.log'));
    expect(await directory.brief()).toEqual(['two', 'three', 'gap file-truncated']);
    directory.waitForTime('app.log.1');
    directory.append('app.log', 'four\nfive\n');
    directory.rename('app.log.1', 'app.log.2');
    directory.copyTruncate('app.log', 'app.log.1');
    expect(await directory.brief()).toEqual(['four', 'five', 'gap file-truncated']);
    directory.append('app.log', 'six\n');
    expect(await directory.brief()).toEqual(['six']);
  });

  it('of a file of which more was read than its copy has: nothing of the copy comes again', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', 'one\ntwo\n');
    await directory.run();
    directory.write('app.log.1', 'one\ntwo\n');
    directory.append('app.log', 'three\n');
    expect(await directory.brief()).toEqual(['three']);
    truncateSync(directory.path('app.log'));
    directory.append('app.log', 'four\n');
    expect(await directory.brief()).toEqual(['gap file-truncated', 'four']);
    expect(await directory.brief()).toEqual([]);
  });

  it('is told while it follows, before what is written next', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', 'one\n');
    const { until } = await follow(directory, { watch: false, pollIntervalMs: 20 });
    directory.copyTruncate('app.log', 'app.log.1');
    await until('one', 'gap file-truncated');
    directory.append('app.log', 'two\n');
    await until('one', 'gap file-truncated', 'two');
  });

  it('but another file under the name, with the same inode, is none', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', 'one\ntwo\n');
    await directory.run({}, { limit: 1 });
    const inode = directory.inodeOf('app.log');
    directory.waitForTime('app.log');
    directory.compress('app.log', 'app.log.1.gz');
    directory.takeInode('app.log', inode, 'three\n');
    expect(await directory.brief()).toEqual(['two', 'three']);
  });
});

describe('LG5: what was read and is done with is not begun again', () => {
  it('when the file after it is lost, however late it was written to', async () => {
    const directory = new LogDirectory();
    const config = { rotateWaitMs: 0 };
    directory.write('app.log', 'one\n');
    await directory.run(config);
    directory.rename('app.log', 'app.log.1');
    directory.write('app.log', 'two\n');
    expect(await directory.brief(config)).toEqual(['two']);
    directory.age('app.log', 60);
    directory.append('app.log', 'three\n');
    directory.age('app.log', 50);
    expect(await directory.brief(config)).toEqual(['three']);
    directory.age('app.log.1', 10);
    directory.remove('app.log');
    directory.write('app.log', 'four\n');
    const [gap, ...lines] = await directory.brief(config);
    expect([gap?.slice(0, 3), lines]).toEqual(['gap', ['four']]);
  });

  it('when its inode is given to the next copy', async () => {
    const directory = await cutDirectory();
    const gap = 'gap file-truncated';
    expect(await directory.brief()).toEqual(['two', 'three', gap, 'four']);
    for (const line of ['five', 'six', 'seven']) {
      const inode = directory.inodeOf('app.log.1');
      directory.remove('app.log.2.gz', { isMissing: true });
      directory.compress('app.log.1', 'app.log.2.gz');
      directory.copyTruncate('app.log', 'app.log.1');
      directory.takeInode('app.log.1', inode);
      directory.append('app.log', `${line}\n`);
      expect(await directory.brief()).toEqual([gap, line]);
    }
  });

  it('when a cursor of before its end is gone on from, after further rotations', async () => {
    const directory = await cutDirectory();
    await directory.run({}, { limit: 1 });
    const { cursor } = directory;
    const gap = 'gap file-truncated';
    expect(await directory.brief()).toEqual(['three', gap, 'four']);
    directory.compress('app.log.1', 'app.log.2.gz');
    directory.copyTruncate('app.log', 'app.log.1');
    directory.append('app.log', 'five\n');
    directory.cursor = cursor;
    expect(await directory.brief()).toEqual(['three', gap, 'four', gap, 'five']);
    expect(await directory.brief()).toEqual([]);
  });
});

it('LG5: nothing is lost or taken for something else when files are renamed while they are looked for', async () => {
  const directory = new LogDirectory();
  directory.write('app.log', 'one\ntwo\n');
  await directory.run({}, { limit: 1 });
  directory.rename('app.log', 'app.log.1');
  directory.write('app.log', 'three\n');
  const hook = Symbol.for('headwater.faultPoint');
  let rotations = 0;
  const rotate = (point: string): void => {
    if (point !== 'tail.list:app.log' || rotations === 2) return;
    rotations += 1;
    for (const number of [2, 1].slice(2 - rotations)) directory.rename(`app.log.${number}`, `app.log.${number + 1}`);
    directory.rename('app.log', 'app.log.1');
    directory.write('app.log', `after ${rotations}\n`);
  };
  Object.assign(globalThis, { [hook]: rotate });
  onTestFinished(() => void Object.assign(globalThis, { [hook]: undefined }));
  expect(await directory.brief()).toEqual(['two', 'three', 'after 1', 'after 2']);
  expect(await directory.brief()).toEqual([]);
});

describe('LG5: a file that is copied and cut off again just when it is met', () => {
  const gap = 'gap file-truncated';

  /** Calls `then` when a fault point is reached for the `nth` time. What has the name is met at the second opening. */
  function reaching(point: string, nth: number, then: () => void): void {
    const hook = Symbol.for('headwater.faultPoint');
    let count = 0;
    const reach = (reached: string): void => {
      if (reached !== point) return;
      count += 1;
      if (count === nth) then();
    };
    Object.assign(globalThis, { [hook]: reach });
    onTestFinished(() => void Object.assign(globalThis, { [hook]: undefined }));
  }

  it.each([
    ['tail.list:app.log', 1],
    ['tail.open:app.log', 1],
    ['tail.open:app.log', 2],
  ])('%s (%d)', async (point, nth) => {
    const directory = await cutDirectory();
    directory.waitForTime('app.log.1');
    reaching(point, nth, () => {
      directory.rename('app.log.1', 'app.log.2');
      directory.copyTruncate('app.log', 'app.log.1');
      directory.append('app.log', 'five\n');
    });
    const told = await directory.brief();
    expect(told.filter((each) => each !== gap)).toEqual(['two', 'three', 'four', 'five']);
    expect(told.slice(told.indexOf('four'), told.indexOf('five'))).toContain(gap);
    expect(await directory.brief()).toEqual([]);
  });

  it('when it is copied before names are looked at, and cut off after that', async () => {
    const directory = await cutDirectory();
    directory.waitForTime('app.log.1');
    directory.rename('app.log.1', 'app.log.2');
    directory.write('app.log.1', 'four\n');
    reaching('tail.open:app.log', 2, () => {
      truncateSync(directory.path('app.log'));
      directory.append('app.log', 'five\n');
    });
    const told = await directory.brief();
    expect(told.filter((each) => each !== gap)).toEqual(['two', 'three', 'four', 'five']);
    expect(told.slice(told.indexOf('four'), told.indexOf('five'))).toContain(gap);
  });

  it.each([
    ['tail.list:app.log', 1],
    ['tail.list:app.log', 2],
    ['tail.list:app.log', 3],
    ['tail.list:app.log', 4],
    ['tail.open:app.log', 2],
    ['tail.open:app.log.1', 2],
    ['tail.open:app.log.1', 3],
  ])('and the copy before it is compressed, at %s (%d)', async (point, nth) => {
    const directory = await cutDirectory();
    directory.compress('app.log.1', 'app.log.2.gz');
    directory.copyTruncate('app.log', 'app.log.1');
    directory.append('app.log', 'five\n');
    directory.waitForTime('app.log.1');
    let isReached = false;
    reaching(point, nth, () => {
      isReached = true;
      directory.rename('app.log.2.gz', 'app.log.3.gz');
      directory.compress('app.log.1', 'app.log.2.gz');
      directory.copyTruncate('app.log', 'app.log.1');
      directory.append('app.log', 'six\n');
    });
    const told = await directory.brief();
    const lines = ['two', 'three', 'four', 'five', ...(isReached ? ['six'] : [])];
    expect(told.filter((each) => each !== gap)).toEqual(lines);
    for (const line of lines.slice(2)) expect(told[told.indexOf(line) - 1], `before ${line}`).toBe(gap);
    expect(await directory.brief()).toEqual([]);
  });

  it('and the name of the copy stays, so that it is found although others come', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', 'one\ntwo\n');
    await directory.run({}, { limit: 1 });
    const rotate = (second: number, line: string): void => {
      directory.copyTruncate('app.log', `app.log-20261126-${second}`);
      directory.append('app.log', `${line}\n`);
      directory.waitForTime('app.log');
    };
    rotate(1, 'three');
    rotate(2, 'four');
    reaching('tail.list:app.log', 1, () => rotate(3, 'five'));
    expect(await directory.brief()).toEqual(['two', gap, 'three', gap, 'four', gap, 'five']);
  });

  it('when it was empty, and was written to, copied and cut off before its turn came', async () => {
    const directory = await cutDirectory();
    truncateSync(directory.path('app.log'));
    reaching('tail.open:app.log', 2, () => {
      directory.append('app.log', 'four\n');
      directory.rename('app.log.1', 'app.log.2');
      directory.copyTruncate('app.log', 'app.log.1');
      directory.append('app.log', 'five\n');
    });
    const told = await directory.brief();
    expect(told.filter((each) => each !== gap)).toEqual(['two', 'three', 'four', 'five']);
    expect(told.slice(told.indexOf('four'), told.indexOf('five'))).toContain(gap);
  });
});

describe('LG5: a file that was empty when it was looked at, and was written to and rotated since', () => {
  it.each([
    ['numbered', 'app.log.1', 'app.log.2', 'app.log.1.gz'],
    ['dated', 'app.log-20261124', undefined, 'app.log-20261125.gz'],
  ])('and compressed, %s', async (_, first, second, compressed) => {
    const directory = new LogDirectory();
    directory.write('app.log', 'one\n');
    await directory.run();
    directory.rename('app.log', first);
    directory.write('app.log', '');
    expect(await directory.brief()).toEqual([]);
    const inode = directory.inodeOf('app.log');
    directory.append('app.log', 'two\nthree\n');
    if (second !== undefined) directory.rename(first, second);
    directory.waitForTime('app.log');
    directory.compress('app.log', compressed);
    directory.takeInode('app.log', inode, 'four\n');
    expect(await directory.brief()).toEqual(['two', 'three', 'four']);
    expect(await directory.brief()).toEqual([]);
  });

  it('before anything was seen of the name', async () => {
    const directory = new LogDirectory();
    directory.write('app.log', '');
    await directory.run();
    directory.waitForTime('app.log');
    directory.append('app.log', 'one\n');
    directory.compress('app.log', 'app.log.1.gz');
    directory.write('app.log', 'two\n');
    expect(await directory.brief()).toEqual(['one', 'two']);
  });
});

it('a byte order mark is no part of the first line, and changes no offset', async () => {
  const directory = new LogDirectory();
  directory.write('app.log', '\uFEFF{"level":"info","n":1}\n{"n":2}\n');
  const events = await directory.run({ format: 'json' });
  expect(events.map(({ data }) => data)).toMatchObject([
    { offset: 0, line: '{"level":"info","n":1}', fields: { n: 1 }, level: 'info' },
    { offset: 26, line: '{"n":2}', fields: { n: 2 } },
  ]);
});
