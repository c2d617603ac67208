import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { link, mkdir, mkdtemp, open, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { headwater } from './built.js';
import { type Bench, compared, paired } from './measure.js';

const SAVES = 300;
const KEPT = 10;

/** Saves of a cursor to a file, each durable, beside the same system calls without the store. */
export const cursor: Bench = {
  name: 'cursor',
  async *rows() {
    const { FileCursorStore } = await headwater();
    const ours = () =>
      inDirectory(async (directory) => {
        const store = new FileCursorStore(directory, { history: KEPT });
        for (let revision = 0; revision < SAVES; revision += 1)
          await store.save(write(revision), { expectedRevision: revision });
      });
    const rival = () => inDirectory(saveBare);
    yield await paired({ bench: 'cursor', row: `${SAVES} saves to a file, fsync each`, goal: 1.25, ours, rival });
    yield await compared({
      bench: 'cursor',
      row: 'beside the same calls made synchronously, which stop the event loop during every fsync',
      ours,
      rival: () => inDirectory(async (directory) => saveSynchronously(directory)),
    });
  },
};

function write(revision: number) {
  const common = { sourceId: 'bench', sourceType: 'bench', origin: 'bench', cursorVersion: 1, writer: 'bench' };
  return { ...common, cursor: { last: revision, token: 'a-token-of-some-length' } };
}

/** A record made durable under a name that holds its revision, the oldest removed. */
async function saveBare(directory: string): Promise<void> {
  const folder = join(directory, 'bench');
  await mkdir(folder);
  const parent = await open(folder, 'r');
  for (let revision = 0; revision < SAVES; revision += 1) {
    const temporary = join(folder, `${revision}.tmp`);
    const file = await open(temporary, 'wx', 0o600);
    await file.write(JSON.stringify(write(revision)));
    await file.sync();
    await file.close();
    await link(temporary, join(folder, `${revision}.json`));
    await parent.sync();
    await unlink(temporary);
    if (revision >= KEPT) await unlink(join(folder, `${revision - KEPT}.json`));
  }
  await parent.close();
}

function saveSynchronously(directory: string): void {
  const folder = join(directory, 'bench');
  mkdirSync(folder);
  const parent = openSync(folder, 'r');
  for (let revision = 0; revision < SAVES; revision += 1) {
    const temporary = join(folder, `${revision}.tmp`);
    const file = openSync(temporary, 'wx', 0o600);
    writeSync(file, JSON.stringify(write(revision)));
    fsyncSync(file);
    closeSync(file);
    linkSync(temporary, join(folder, `${revision}.json`));
    fsyncSync(parent);
    unlinkSync(temporary);
    if (revision >= KEPT) unlinkSync(join(folder, `${revision - KEPT}.json`));
  }
  closeSync(parent);
}

async function inDirectory(job: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'headwater-bench-cursor-'));
  try {
    await job(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
