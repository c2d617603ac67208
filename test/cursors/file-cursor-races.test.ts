import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FileCursorStore } from '../../src/cursors/file/index.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { Program } from '../support/program.js';
import { filesBelow, onFaultPoint, scratchDirectory } from './scratch.js';

const fields = { sourceId: 'contested', sourceType: 'test', origin: 'o', cursorVersion: 1, writer: 'w' };

describe('CU3: two processes', () => {
  it('CU3: that race for one cursor lose no accepted save, of record or state', async () => {
    const directory = join(scratchDirectory(), 'cursors');
    const racers = await runAll('racer', directory, ['red', 'blue'], 100);
    const revisions = racers.flatMap(({ lines }) => lines.map(Number)).sort((left, right) => left - right);
    expect(revisions).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    const store = new FileCursorStore(directory);
    expect(await store.load('contested')).toMatchObject({ revision: 200, cursor: { count: 200 } });
    const saves = new Map(racers.flatMap(({ name, lines }) => lines.map((line) => [`save/${line}`, name] as const)));
    expect(await stateOf(store)).toEqual(Object.fromEntries(saves));
  });

  it('CU3: that race for one lease never get the same token', async () => {
    const directory = join(scratchDirectory(), 'cursors');
    const takers = await runAll('lease-taker', directory, ['red', 'blue'], 40);
    const tokens = takers.map(({ lines }) => lines.map(Number));
    expect(tokens.flat().sort((left, right) => left - right)).toEqual(
      Array.from({ length: 80 }, (_, index) => index + 1),
    );
    for (const own of tokens) expect(own).toEqual([...own].sort((left, right) => left - right));
  });
});

describe('a writer that sleeps in the middle of a save', () => {
  it('CU3: before its link, until its revision was saved and pruned by others, gets a conflict and leaves nothing', async () => {
    const { slow, fast, directory } = await twoStores(1);
    const wake = sleepAt('cursor-file.link.before');
    const late = save(slow, 1, 'late').catch((error: unknown) => error);
    await wake.asleep;
    for (let revision = 1; revision < 20; revision += 1) await save(fast, revision);
    wake.up();
    expect(await late).toMatchObject({ code: 'CURSOR_CONFLICT', expected: 1, found: 20 });
    expect(await fast.load('contested')).toMatchObject({ revision: 20, cursor: 'on time' });
    expect((await fast.history('contested')).map(({ revision }) => revision)).toEqual([19, 18]);
    expect(filesBelow(directory)).toHaveLength(3);
  });

  it('CU3: before its link, while the cursor is deleted and begun again, gets a conflict', async () => {
    const { slow, fast } = await twoStores(5);
    const wake = sleepAt('cursor-file.link.before');
    const late = save(slow, 5, 'late').catch((error: unknown) => error);
    await wake.asleep;
    await fast.delete('contested');
    await save(fast, 0);
    wake.up();
    expect(await late).toMatchObject({ code: 'CURSOR_CONFLICT', expected: 5, found: 1 });
    expect(await fast.load('contested')).toMatchObject({ revision: 1, cursor: 'on time' });
  });

  it('CU3: before its link, while a lease is taken, saves; while another lease is granted, is fenced', async () => {
    const clock = new FakeClock(0);
    const directory = join(scratchDirectory(), 'cursors');
    const [slow, fast] = [new FileCursorStore(directory, { clock }), new FileCursorStore(directory, { clock })];
    const { token } = await slow.lease('contested', { ttlMs: 1000, holder: 'slow' });
    await slow.save({ ...fields, cursor: 1 }, { expectedRevision: 0, fence: token });
    const wake = sleepAt('cursor-file.link.before');
    const late = slow
      .save({ ...fields, cursor: 'late' }, { expectedRevision: 1, fence: token })
      .catch((error: unknown) => error);
    await wake.asleep;
    await clock.advance(1000);
    const next = await fast.lease('contested', { ttlMs: 1000, holder: 'fast' });
    wake.up();
    expect(await late).toMatchObject({ code: 'FENCED', expected: token, found: next.token });
    expect(await fast.load('contested')).toMatchObject({ revision: 1, cursor: 1 });
  });

  it('CU3: after its link, while others save on top of it, has saved all the same', async () => {
    const { slow, fast } = await twoStores(1);
    const wake = sleepAt('cursor-file.link.after');
    const ours = save(slow, 1, 'ours');
    await wake.asleep;
    await save(fast, 2);
    await save(fast, 3);
    wake.up();
    expect(await ours).toMatchObject({ revision: 2, cursor: 'ours' });
    expect((await fast.history('contested')).map(({ cursor }) => cursor)).toEqual(['on time', 'ours']);
  });

  it('CU3: with state written already, spoils nobody’s state and goes on with its own', async () => {
    const { slow, fast, directory } = await twoStores(1);
    await save(slow, 1, 'first', { own: 1 });
    const wake = sleepAt('cursor-file.link.before');
    const late = save(slow, 2, 'late', { own: 'late', late: true }).catch((error: unknown) => error);
    await wake.asleep;
    await save(fast, 2, 'on time', { other: 2 });
    wake.up();
    expect(await late).toMatchObject({ code: 'CURSOR_CONFLICT' });
    expect(await stateOf(new FileCursorStore(directory))).toEqual({ own: 1, other: 2 });
    await save(slow, 3, 'again', { own: 3 });
    expect(await stateOf(new FileCursorStore(directory))).toEqual({ own: 3, other: 2 });
  });

  it('CU3: with state written already, goes on with its own though the others left the state alone', async () => {
    const { slow, fast, directory } = await twoStores(1);
    await save(slow, 1, 'first', { own: 1 });
    const wake = sleepAt('cursor-file.link.before');
    const late = save(slow, 2, 'late', { late: true }).catch((error: unknown) => error);
    await wake.asleep;
    await save(fast, 2);
    wake.up();
    expect(await late).toMatchObject({ code: 'CURSOR_CONFLICT' });
    await save(slow, 3, 'again', { own: 3 });
    expect(await stateOf(new FileCursorStore(directory))).toEqual({ own: 3 });
  });

  it('CU3: with a compaction due of journals that others compacted and removed, gets a conflict', async () => {
    const directory = join(scratchDirectory(), 'cursors');
    const open = () => new FileCursorStore(directory, { history: 0 });
    for (let revision = 0; revision < 15; revision += 1) await save(open(), revision, 'on time', { [revision]: true });
    const [slow, fast] = [open(), open()];
    await save(slow, 15, 'on time', { 15: true });
    for (let revision = 16; revision < 20; revision += 1) await save(fast, revision, 'on time', { [revision]: true });
    const late = save(slow, 16, 'late', { late: true });
    await expect(late).rejects.toMatchObject({ code: 'CURSOR_CONFLICT', expected: 16, found: 20 });
    expect(Object.keys(await stateOf(slow))).toHaveLength(20);
  });

  it('a reader sees the state of one save, whatever is compacted and removed meanwhile', async () => {
    const directory = join(scratchDirectory(), 'cursors');
    const store = new FileCursorStore(directory, { history: 0 });
    const much = 'x'.repeat(70_000);
    await save(store, 0, 'on time', { left: 0, much, right: 0 });
    let isWriting = true;
    const writing = (async () => {
      for (let count = 1; count <= 60; count += 1)
        await save(store, count, 'on time', { left: count, much, right: count });
      isWriting = false;
    })();
    while (isWriting) {
      const { left, right } = await stateOf(new FileCursorStore(directory));
      expect(left).toBe(right);
    }
    await writing;
  });
});

/** Two stores over one directory, which both have seen the cursor at a revision. */
async function twoStores(revision: number) {
  const directory = join(scratchDirectory(), 'cursors');
  const [slow, fast] = [new FileCursorStore(directory, { history: 2 }), new FileCursorStore(directory, { history: 2 })];
  for (let count = 0; count < revision; count += 1) await save(slow, count);
  return { slow, fast, directory };
}

/** The first who passes the point sleeps there until woken up. */
function sleepAt(point: string): { asleep: Promise<void>; up(): void } {
  let fallAsleep = (): void => {};
  let up = (): void => {};
  const asleep = new Promise<void>((resolve) => {
    fallAsleep = resolve;
  });
  const awake = new Promise<void>((resolve) => {
    up = resolve;
  });
  let isFirst = true;
  onFaultPoint((name) => {
    if (name !== point || !isFirst) return undefined;
    isFirst = false;
    fallAsleep();
    return awake;
  });
  return { asleep, up };
}

function save(store: FileCursorStore, expectedRevision: number, cursor = 'on time', set: Record<string, unknown> = {}) {
  return store.save({ ...fields, cursor, state: { set } }, { expectedRevision });
}

async function stateOf(store: FileCursorStore): Promise<Record<string, unknown>> {
  const state: Record<string, unknown> = {};
  for await (const [key, value] of store.loadState('contested')) state[key] = value;
  return state;
}

async function runAll(name: string, directory: string, names: readonly string[], count: number) {
  const program = await Program.build(new URL(`./programs/${name}.ts`, import.meta.url));
  onTestFinished(() => program.dispose());
  return Promise.all(
    names.map(async (own) => {
      const { code, lines, errors } = await program.run(directory, own, count);
      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      return { name: own, lines };
    }),
  );
}
