import {
  AuthenticationError,
  ConfigError,
  ConnectionError,
  EventRouter,
  MemoryCursorStore,
  RateLimitedError,
  type SourceEvent,
} from 'headwater';
import { type ManagedSource, type ManagedStatus, SourceManager, type SourceManagerOptions } from 'headwater/manager';
import { MemorySink } from 'headwater/sinks/memory';
import {
  FakeClock,
  type FakeCursor,
  type FakeSource,
  type FakeSourceOptions,
  fakeSource,
  RecordingLogger,
} from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { turns } from '../support/observing.js';

type Item = SourceEvent<'test.item', { n: number }>;

const items = (count: number): { type: 'test.item'; data: { n: number } }[] =>
  Array.from({ length: count }, (_, index) => ({ type: 'test.item', data: { n: index + 1 } }));

/** What one way of making a source made, one after another. */
class Maker {
  readonly made: FakeSource<Item>[] = [];
  /** What goes wrong with those that are made next. */
  readonly failing: FakeSourceOptions[];

  constructor(
    readonly id: string,
    ...failing: FakeSourceOptions[]
  ) {
    this.failing = failing;
  }

  readonly create = (): FakeSource<Item> => {
    const source = fakeSource<Item>(items(4), { id: this.id, ...this.failing.shift() });
    this.made.push(source);
    return source;
  };
}

const transient = (failAt: number): FakeSourceOptions => ({ failAt, error: new ConnectionError('it is away') });

function setUp(options: SourceManagerOptions = {}) {
  const clock = new FakeClock();
  const logger = new RecordingLogger();
  const sink = new MemorySink<Item>();
  const states: string[] = [];
  const manager = new SourceManager({
    sink: sink as never,
    cursorStore: new MemoryCursorStore(),
    clock,
    logger,
    onStatus: ({ id, state }) => states.push(`${id} ${state}`),
    ...options,
  });
  return { clock, logger, sink, states, manager };
}

async function until(holds: () => boolean): Promise<void> {
  for (let round = 0; !holds(); round += 1) {
    if (round > 2_000) expect.fail('it does not come to that');
    await turns(1);
  }
}

/** Moves time to the moment at which a source is started again, and no further: what fails at once waits anew. */
async function restart(manager: SourceManager, clock: FakeClock, id: string): Promise<void> {
  await until(() => stateOf(manager, id) === 'waiting');
  // A date holds whole milliseconds.
  await clock.advance(Number(manager.status(id).restartAt) + 1 - clock.now());
}

const numbersOf = (sink: MemorySink<Item>, id: string): number[] =>
  sink.events.filter(({ sourceid }) => sourceid === id).map(({ data }) => data.n);

const stateOf = (manager: SourceManager, id: string): ManagedStatus['state'] => manager.status(id).state;

describe('SourceManager', () => {
  it('runs many side by side, each with a cursor of its own, and says how each does', async () => {
    const { manager, sink } = setUp();
    const makers = ['a', 'b', 'c'].map((id) => new Maker(id));
    for (const { id, create } of makers) manager.add({ id, create, follow: false });
    expect(manager.status().map(({ id, state }) => `${id} ${state}`)).toEqual(['a stopped', 'b stopped', 'c stopped']);
    await manager.start();
    await manager.ended();
    for (const { id } of makers) expect(numbersOf(sink, id)).toEqual([1, 2, 3, 4]);
    expect(manager.status('b')).toMatchObject({ state: 'completed', failures: 0, report: { read: 4, written: 4 } });
    await manager.start();
    await manager.ended();
    expect(sink.events).toHaveLength(12);
  });

  it('gives what arrives to handlers, as one sink for all', async () => {
    const seen: string[] = [];
    const router = new EventRouter();
    router.on({ sourceid: 'a' }, ({ id }) => void seen.push(`a ${id}`));
    router.on('test.*', ({ sourceid, id }) => void seen.push(`all ${sourceid} ${id}`));
    const { manager } = setUp({ sink: router });
    manager.add({ ...new Maker('a'), follow: false }).add({ ...new Maker('b'), follow: false });
    await manager.start();
    await manager.ended();
    expect(seen.filter((line) => line.startsWith('a '))).toHaveLength(4);
    expect(seen.filter((line) => line.startsWith('all'))).toHaveLength(8);
  });

  it('follows, and brings what happens later', async () => {
    const { manager, sink } = setUp();
    const maker = new Maker('a');
    manager.add(maker);
    await manager.start();
    await until(() => sink.events.length === 4);
    maker.made[0]?.add({ type: 'test.item', data: { n: 5 } });
    await until(() => sink.events.length === 5);
    expect(manager.status('a')).toMatchObject({ state: 'running', source: { state: 'reading' } });
    await manager.stop();
    expect(manager.status('a')).toMatchObject({ state: 'stopped', source: undefined });
    expect(maker.made.map((source) => source.getStatus().state)).toEqual(['closed']);
  });

  it('starts a source that failed again, later each time, where it was; the others do not notice', async () => {
    const { manager, clock, sink, logger } = setUp();
    const broken = new Maker('broken', transient(0), transient(0), transient(2));
    manager.add({ ...broken, batch: { maxEvents: 1 } }).add(new Maker('sound'));
    await manager.start();
    await until(() => stateOf(manager, 'broken') === 'waiting');
    expect(manager.status('broken')).toMatchObject({ failures: 1, error: { message: 'it is away' } });
    expect(manager.status('broken').restartAt?.getTime()).toBeGreaterThanOrEqual(1_000);
    await until(() => numbersOf(sink, 'sound').length === 4);

    await restart(manager, clock, 'broken');
    await until(() => manager.status('broken').failures === 2);
    expect(Number(manager.status('broken').restartAt) - clock.now()).toBeGreaterThanOrEqual(2_000);
    await restart(manager, clock, 'broken');
    // The third gets two events through before it fails: the count begins anew.
    await until(() => broken.made.length === 3 && stateOf(manager, 'broken') === 'waiting');
    expect(manager.status('broken').failures).toBe(1);
    await restart(manager, clock, 'broken');
    await until(() => numbersOf(sink, 'broken').length === 4);
    expect(numbersOf(sink, 'broken')).toEqual([1, 2, 3, 4]);
    expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(3);
    await manager.stop();
    expect(broken.made.every((source) => source.getStatus().state === 'closed')).toBe(true);
  });

  it('waits at least as long as upstream asks', async () => {
    const { manager, clock } = setUp();
    const error = new RateLimitedError('slowly', { retryAfterMs: 90_000 });
    manager.add(new Maker('a', { failAt: 0, error }));
    await manager.start();
    await until(() => stateOf(manager, 'a') === 'waiting');
    expect(manager.status('a').restartAt).toEqual(new Date(clock.now() + 90_000));
    await manager.stop();
  });

  it('leaves a source that failed for good, until it is started again', async () => {
    const { manager, sink, logger } = setUp();
    const refused = new Maker('refused', { failAt: 1, error: new AuthenticationError('no') });
    manager.add({ ...refused, follow: false }).add({ ...new Maker('sound'), follow: false });
    await manager.start();
    await manager.ended();
    expect(manager.status('refused')).toMatchObject({
      state: 'failed',
      failures: 1,
      error: { name: 'AuthenticationError' },
    });
    expect(stateOf(manager, 'sound')).toBe('completed');
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    await manager.start('refused');
    await manager.ended();
    expect(stateOf(manager, 'refused')).toBe('completed');
    expect(numbersOf(sink, 'refused')).toEqual([1, 2, 3, 4]);
  });

  it('gives up after as many restarts as it was told', async () => {
    const { manager, clock } = setUp({ restart: { retries: 2 } });
    const broken = new Maker('broken', ...Array.from({ length: 9 }, () => transient(0)));
    manager.add(broken);
    await manager.start();
    for (const failures of [1, 2]) {
      await until(() => manager.status('broken').failures === failures);
      await restart(manager, clock, 'broken');
    }
    await until(() => stateOf(manager, 'broken') === 'failed');
    expect(broken.made).toHaveLength(3);
  });

  it('makes a source again that could not be made, unless its configuration is wrong', async () => {
    const { manager, clock, sink } = setUp();
    let attempts = 0;
    const sound = new Maker('a');
    manager.add({
      id: 'a',
      create: async () => {
        attempts += 1;
        if (attempts === 1) throw new ConnectionError('the vault does not answer');
        return sound.create();
      },
    });
    const wrong = new ConfigError([{ severity: 'error', code: 'X', message: 'wrong' }]);
    manager.add({ id: 'b', create: () => Promise.reject(wrong) });
    manager.add({ id: 'c', create: new Maker('another').create });
    await manager.start();
    await restart(manager, clock, 'a');
    await until(() => sink.events.length === 4);
    expect(manager.status('b')).toMatchObject({ state: 'failed', error: wrong });
    expect(manager.status('c')).toMatchObject({ state: 'failed', error: { code: 'CONFIG' } });
    expect(manager.status('c').error?.message).toContain('create() of "c" made the source "another"');
    await manager.stop();
  });

  it('stopping lets the sink finish what it has, saves it, and starts nothing again', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const stored: number[] = [];
    const cursorStore = new MemoryCursorStore();
    const { manager } = setUp({
      cursorStore,
      sink: async ({ events }) => {
        await held;
        stored.push(...events.map(({ data }: Item) => data.n));
      },
    });
    manager.add(new Maker('a'));
    await manager.start();
    await until(() => manager.status('a').report !== undefined || stateOf(manager, 'a') === 'running');
    await turns(5);
    const stopped = manager.stop();
    expect(stateOf(manager, 'a')).toBe('stopping');
    release();
    await stopped;
    expect(stateOf(manager, 'a')).toBe('stopped');
    expect((await cursorStore.load('a'))?.cursor).toEqual({ given: stored.length });
  });

  it('gives up a run whose sink never answers, and a source that is never made', async () => {
    const { manager, clock } = setUp({ sink: () => new Promise(() => {}), stopGraceMs: 3_000 });
    const late = new Maker('late');
    let make = (): void => {};
    manager.add(new Maker('hangs', { clock })).add<Item, FakeCursor>({
      id: 'late',
      create: () =>
        new Promise((resolve) => {
          make = () => resolve(late.create());
        }),
    });
    await manager.start();
    await turns(10);
    const stopped = manager.stop();
    await turns(10);
    expect(stateOf(manager, 'hangs')).toBe('stopping');
    await clock.advance(3_000);
    await clock.advance(60_000);
    await stopped;
    expect(manager.status().map(({ state }) => state)).toEqual(['stopped', 'stopped']);
    make();
    await until(() => late.made[0]?.getStatus().state === 'closed');
  });

  it('stops one that waits to be started again at once, and starts one that is being stopped when that is over', async () => {
    const { manager, sink } = setUp();
    const broken = new Maker('a', transient(0));
    manager.add(broken);
    await manager.start();
    await until(() => stateOf(manager, 'a') === 'waiting');
    await manager.stop('a');
    expect(manager.status('a')).toMatchObject({ state: 'stopped', restartAt: undefined });
    await manager.start('a');
    await until(() => sink.events.length === 4);
    const stopped = manager.stop('a');
    await manager.start('a');
    await stopped;
    await until(() => stateOf(manager, 'a') === 'running');
    expect(broken.made).toHaveLength(3);
    await manager.stop();
  });

  it('knows sources that are disabled, and starts them once they are enabled', async () => {
    const { manager, sink, states } = setUp();
    manager.add({ ...new Maker('a'), enabled: false }).add(new Maker('b'));
    await manager.start();
    await until(() => sink.events.length === 4);
    expect(stateOf(manager, 'a')).toBe('disabled');
    await manager.start('a');
    expect(stateOf(manager, 'a')).toBe('disabled');
    await manager.enable('a');
    await until(() => sink.events.length === 8);
    await manager.disable('b');
    expect(stateOf(manager, 'b')).toBe('disabled');
    manager.add(new Maker('c'));
    await until(() => numbersOf(sink, 'c').length === 4);
    await manager.remove('c');
    expect(manager.status().map(({ id }) => id)).toEqual(['a', 'b']);
    await manager.stop();
    await manager.enable('b');
    expect(manager.status().map(({ state }) => state)).toEqual(['stopped', 'stopped']);
    expect(states.filter((line) => line.startsWith('a'))).toEqual([
      'a stopped',
      'a starting',
      'a running',
      'a stopping',
      'a stopped',
    ]);
  });

  it('says what is wrong with what it is given', () => {
    const { manager } = setUp();
    manager.add(new Maker('history'));
    const code = (action: () => unknown): unknown => {
      try {
        return action();
      } catch (error) {
        return [(error as ConfigError).code, (error as Error).message];
      }
    };
    expect(code(() => manager.add(new Maker('history')))).toEqual([
      'MANAGED_TWICE',
      'there is a source "history" already',
    ]);
    expect(code(() => manager.status('histroy'))).toEqual([
      'MANAGED_UNKNOWN',
      'there is no source "histroy" (did you mean "history"?)',
    ]);
    const without = new SourceManager();
    expect(code(() => without.add(new Maker('a') as ManagedSource))).toEqual([
      'MANAGED_WITHOUT_SINK',
      'source "a" has no sink (give one to the source, or to the manager for all)',
    ]);
  });

  it('is not brought down by a listener that throws', async () => {
    const { manager, sink, logger } = setUp({
      onStatus: () => {
        throw new Error('the listener');
      },
    });
    manager.add({ ...new Maker('a'), follow: false });
    await manager.start();
    await manager.ended();
    expect(sink.events).toHaveLength(4);
    expect(logger.lines.some(({ message }) => message === 'onStatus failed')).toBe(true);
  });

  it('is over with the block that it was made for', async () => {
    const { manager } = setUp();
    const maker = new Maker('a');
    {
      await using block = manager;
      block.add(maker);
      await block.start();
      await until(() => maker.made.length === 1);
    }
    expect(maker.made[0]?.getStatus().state).toBe('closed');
  });
});
