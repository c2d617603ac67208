import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { watch } from 'chokidar';
import { filesystemSource, headwater } from './built.js';
import { type Bench, paired } from './measure.js';

const FILES = 100_000;
const DIRECTORIES = 1_050;
/** Times younger than this are not trusted, which is another job than the one that is measured. */
const UNTRUSTED_MS = 2_500;
const LONG_AGO = new Date('2026-01-02T03:04:05Z');

/** A look at 100,000 files: the first, which tells of each, and one that finds nothing new. */
export const scan: Bench = {
  name: 'scan',
  async *rows() {
    const work = mkdtempSync(join(tmpdir(), 'headwater-bench-scan-'));
    try {
      const tree = join(work, 'tree');
      createTree(tree);
      await pause(UNTRUSTED_MS);
      yield* measure(work, tree);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  },
};

async function* measure(work: string, tree: string) {
  const { FileCursorStore, MemoryCursorStore } = await headwater();
  const walk = async (): Promise<void> => void walkAndStat(tree);
  const first = () => look(tree, undefined);
  const pair = { bench: 'scan', pairs: 5, warmUps: 1 };
  yield await paired({
    ...pair,
    row: 'first look at 100,000 files, beside walk + statSync',
    goal: 1.6,
    ours: first,
    rival: walk,
  });

  const kept = new FileCursorStore(join(work, 'kept'));
  await look(tree, kept);
  const rescan = () => look(tree, kept);
  yield await paired({
    ...pair,
    row: 'a look that finds nothing new, state loaded from files',
    goal: 2,
    ours: rescan,
    rival: walk,
  });

  let round = 0;
  const saving = async (): Promise<void> => {
    round += 1;
    await look(tree, new FileCursorStore(join(work, `saved-${round}`)));
  };
  const snapshot = async (): Promise<void> => {
    const store = new MemoryCursorStore();
    await look(tree, store);
    const all: Record<string, unknown> = {};
    for await (const [key, value] of store.loadState('bench')) all[key] = value;
    await writeFile(join(work, 'snapshot.json'), JSON.stringify(all));
  };
  yield await paired({
    ...pair,
    row: 'first look with progress saved, beside one snapshot at its end',
    goal: 1.5,
    ours: saving,
    rival: snapshot,
  });
  const rival = { bench: 'scan', pairs: 1, warmUps: 0 };
  yield await paired({
    ...rival,
    row: 'first look, beside chokidar until it is ready',
    goal: 0.2,
    ours: first,
    rival: () => untilReady(tree),
  });
}

type Store = InstanceType<Awaited<ReturnType<typeof headwater>>['MemoryCursorStore']>;

async function look(tree: string, cursorStore: Pick<Store, keyof Store> | undefined): Promise<void> {
  const { EventSourceFactory } = await headwater();
  const { FilesystemSource } = await filesystemSource();
  const factory = new EventSourceFactory({ sources: { filesystem: FilesystemSource }, cursorStore });
  const source = await factory.create('filesystem', { id: 'bench', config: { dir: tree } });
  let events = 0;
  for await (const _event of source.generateEvents()) events += 1;
  await source.close();
  if (events !== FILES && events !== 0) throw new Error(`${events} events of ${FILES} files`);
}

function walkAndStat(directory: string): number {
  let files = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) files += walkAndStat(path);
    else files += statSync(path).isFile() ? 1 : 0;
  }
  return files;
}

async function untilReady(tree: string): Promise<void> {
  const watcher = watch(tree);
  await new Promise((resolve) => watcher.on('ready', () => resolve(undefined)));
  await watcher.close();
}

function createTree(tree: string): void {
  for (let directory = 0; directory < DIRECTORIES; directory += 1) {
    const folder = join(tree, `group-${directory % 50}`, `directory-${directory}`);
    mkdirSync(folder, { recursive: true });
    for (let file = directory; file < FILES; file += DIRECTORIES) {
      const path = join(folder, `file-${file}.dat`);
      writeFileSync(path, `content ${file}`);
      utimesSync(path, LONG_AGO, LONG_AGO);
    }
  }
}
