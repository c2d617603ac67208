import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { brief, LogDirectory } from './directory.js';

interface Fixture {
  readonly cursor: NonNullable<LogDirectory['cursor']>;
}

/** The inode is of another machine; whatever else is in the cursor is as that release wrote it. */
function restore(directory: LogDirectory, inodeOf: (name: string) => number): void {
  const url = new URL('./fixtures/cursor-1.json', import.meta.url);
  const { cursor } = JSON.parse(readFileSync(url, 'utf8')) as Fixture;
  directory.cursor = {
    ...cursor,
    files: cursor.files.map((file) => ({ ...file, inode: inodeOf(file.place ?? file.path) })),
  };
}

it('a cursor of version 1 is gone on from', async () => {
  const directory = new LogDirectory();
  directory.write('app.log', 'three\nfour\n');
  directory.write('app.log.1', 'one\ntwo\n');
  restore(directory, (name) => directory.inodeOf(name));
  const events = await directory.run();
  expect(events.map(brief)).toEqual(['two', 'four']);
  expect(events.map(({ id }) => id)).toEqual(['1hjx9._gW83NxJKAE:4', '1hjxa.uALzhDAssk-~2:6']);
  expect(Object.keys(directory.cursor ?? {})).toEqual(['files', 'retired']);
});
