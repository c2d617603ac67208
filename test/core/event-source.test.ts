import { ConfigError, EventSource, type SourceEvent, type SourceStatus, type ValidationResult } from 'headwater';
import { FakeClock } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { take, turns } from '../support/observing.js';
import { Counting } from '../support/registered-source.js';
import { BatchSource, counting, pages, ReadSource, ReceivingSource } from '../support/test-sources.js';

type PlainEvent = SourceEvent<'plain', string>;

/** As little as a class can do with. */
class Plain extends EventSource<PlainEvent> {
  readonly type = 'plain';
  result: ValidationResult = { ok: true, problems: [] };

  async validate(): Promise<ValidationResult> {
    return this.result;
  }

  protected async *read() {
    this.count('bytes', 10);
    this.count('requests');
    this.setStatus({ state: 'waiting-for-rate-limit', until: new Date(5) });
    yield this.event({ type: 'plain', id: '1', data: 'a' });
  }
}

it('a class without a definition can be constructed and iterated', async () => {
  const source = new Plain({ id: 'mine', config: undefined });
  expect(source.capabilities).toEqual({
    kind: 'pull',
    delivery: 'at-least-once',
    position: 'cursor',
    ids: 'stable',
    deletes: false,
  });
  const events: PlainEvent[] = [];
  for await (const event of source.generateEvents()) events.push(event);
  expect(events.map(({ data }) => data)).toEqual(['a']);
  expect(source.supportsIncremental()).toBe(true);
  expect(await source.origin()).toBe('mine');
});

it('a class with a definition has its capabilities', async () => {
  const source = await Counting.create({ id: 'mine', config: { last: 1 } });
  expect(source.capabilities).toBe(Counting.definition.capabilities);
  expect(new ReceivingSource().supportsIncremental()).toBe(false);
});

describe('assertValid', () => {
  it('is silent where all is well, or nothing worse than a warning was found', async () => {
    const source = new Plain({ id: 'mine', config: undefined });
    await source.assertValid();
    source.result = { ok: true, problems: [{ severity: 'warning', code: 'OLD', message: 'an old version' }] };
    await source.assertValid();
  });

  it('throws a ConfigError with the errors found, the first one first', async () => {
    const source = new Plain({ id: 'mine', config: undefined });
    const problems = [
      { severity: 'warning', code: 'OLD', message: 'an old version' },
      { severity: 'error', code: 'NO_TOKEN', message: 'the token was refused', fix: 'make another' },
      { severity: 'error', code: 'NO_REPO', message: 'there is no such repository' },
    ] as const;
    source.result = { ok: false, problems };
    const failure = await source.assertValid().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(failure).toMatchObject({ code: 'NO_TOKEN', sourceId: 'mine', problems: problems.slice(1) });
    expect((failure as Error).message).toContain('the token was refused (make another)');
  });
});

it('counts what was read, handed out, acknowledged and said by the source', async () => {
  const clock = new FakeClock(7_000);
  const source = pages(10, 4, { clock });
  expect(source.getStats()).toMatchObject({
    events: 0,
    batches: 0,
    acknowledged: 0,
    dropped: {},
    startedAt: undefined,
  });
  const events = source.generateEvents();
  for (let n = 0; n < 6; n += 1) await events.next();
  expect(source.getStats()).toMatchObject({
    events: 6,
    batches: 2,
    acknowledged: 5,
    gaps: 0,
    startedAt: new Date(7_000),
    lastEventAt: new Date(7_000),
  });
  await events.return();
  expect(source.getStats()).toMatchObject({ events: 6, acknowledged: 5 });
  await take(source.generateEvents());
  expect(source.getStats()).toMatchObject({ events: 11, acknowledged: 10 });
  const plain = new Plain({ id: 'mine', config: undefined });
  await take(plain.generateEvents({ limit: 0 }));
  for await (const _ of plain.generateEvents());
  expect(plain.getStats()).toMatchObject({ bytes: 10, requests: 1, events: 1, acknowledged: 1 });
});

it('counts single events and batches of them alike', async () => {
  for (const read of [
    (source: ReadSource) => source.generateEvents(),
    (source: ReadSource) => source.generateBatches({ maxEvents: 2 }),
  ]) {
    const source = counting(5);
    for await (const _ of read(source));
    expect(source.getStats()).toMatchObject({ events: 5, acknowledged: 5, batches: 5 });
  }
});

it('says what its author says, until the next event', async () => {
  class Telling extends ReadSource {
    tell(status: SourceStatus): void {
      this.setStatus(status);
    }
  }
  const until = new Date(99);
  const told: SourceStatus[] = [];
  const source = new Telling(async function* (self) {
    (self as Telling).tell({ state: 'waiting-for-rate-limit', until });
    await turns(3);
    yield self.item(1);
    (self as Telling).tell({ state: 'caught-up' });
    await turns(3);
    yield self.item(2);
  });
  const events = source.generateEvents();
  for (let n = 0; n < 2; n += 1) {
    const pending = events.next();
    await turns(1);
    told.push(source.getStatus());
    await pending;
  }
  expect(told).toEqual([{ state: 'waiting-for-rate-limit', until }, { state: 'caught-up' }]);
  await events.return();
});

it('setCursor rewinds and restores', async () => {
  const source = counting(4, { cursor: { n: 2 } });
  expect(source.getCursor()).toEqual({ n: 2 });
  expect(await take(source.generateEvents())).toEqual([3, 4]);
  source.setCursor({ n: 1 });
  expect(await take(source.generateEvents())).toEqual([2, 3, 4]);
  source.setCursor(undefined);
  expect(await take(source.generateEvents())).toEqual([1, 2, 3, 4]);
});

it('the context tells cursor, follow and a signal that fires when the iteration ends', async () => {
  const seen: { follow: boolean; cursor: unknown; signal: AbortSignal }[] = [];
  const source = new BatchSource(
    async function* (self, { follow, cursor, signal }) {
      seen.push({ follow, cursor, signal });
      yield { events: self.items(1, 2), cursor: { n: 2 } };
    },
    { cursor: { n: 0 } },
  );
  await take(source.generateEvents({ follow: true }), 1);
  await take(source.generateEvents());
  expect(seen.map(({ follow, cursor, signal }) => [follow, cursor, signal.aborted])).toEqual([
    [true, { n: 0 }, true],
    [false, { n: 0 }, true],
  ]);
});
