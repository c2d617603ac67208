import { EventSourceFactory, MemoryCursorStore } from 'headwater';
import { type Answering, WebhookSource } from 'headwater/sources/webhook';
import { FakeClock } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { afterTurns, eventually, turns } from '../../support/observing.js';
import { RawClient } from './raw-client.js';
import {
  consume,
  createSource,
  deliver,
  delivery,
  GITHUB,
  request,
  SECRET,
  startSource,
  takeEvents,
} from './receiving.js';

const START = Date.parse('2026-01-01T00:00:00Z');

describe('acknowledgement', () => {
  it('WH6: answers 202 when the consumer asks for the next, and not before', async () => {
    const { source, port } = await startSource();
    const answered = deliver(port, 'one');
    const events = source.generateEvents();
    expect((await events.next()).value?.id).toBe('one');
    expect(await afterTurns(answered)).toBe('pending');
    const next = events.next();
    expect(await answered).toBe(202);
    await source.close();
    expect((await next).done).toBe(true);
  });

  it('WH6, WH7: nobody consumes: 503 with Retry-After before the sender gives up, and no 2xx', async () => {
    const clock = new FakeClock(START);
    const { source, port } = await startSource({}, { clock });
    let answer: Awaited<ReturnType<typeof request>>;
    void request(port, delivery('one')).then((given) => {
      answer = given;
    });
    await eventually(() => source.getStats().bytes > 0);
    await clock.advance(8_800);
    expect(answer).toBeUndefined();
    // GitHub waits ten seconds.
    await clock.advance(400);
    await eventually(() => answer !== undefined);
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
  });

  it('what a sender that sends once was told 503 for is still delivered, and known when it is sent again', async () => {
    const clock = new FakeClock(START);
    const { source, port } = await startSource({}, { clock });
    const refused = deliver(port, 'one');
    await eventually(() => source.getStats().bytes > 0);
    await clock.advance(10_000);
    expect(await refused).toBe(503);
    const { ids } = consume(source);
    await eventually(() => ids.length > 0);
    expect(await deliver(port, 'one')).toBe(200);
    expect(ids).toEqual(['one']);
  });

  it('what a sender that tries again was told 503 for is taken back, unless the consumer has it', async () => {
    const clock = new FakeClock(START);
    const endpoints = { hooks: { provider: 'generic', auth: { scheme: 'none' }, id: { header: 'x-id' } } } as const;
    const { source, port } = await startSource({ endpoints }, { clock, credentials: 'anonymous' });
    const send = async (id: string): Promise<number | undefined> =>
      (await request(port, `POST /hooks HTTP/1.1\r\nHost: x\r\nX-Id: ${id}\r\nContent-Length: 2\r\n\r\nhi`))?.status;
    const events = source.generateEvents();
    const [inHand] = [send('in hand'), await events.next()];
    const waiting = send('waiting');
    await eventually(() => source.getStats().requests === 2);
    await turns();
    await clock.advance(10_000);
    expect(await Promise.all([inHand, waiting])).toEqual([503, 503]);
    const third = events.next();
    await turns();
    expect(await send('in hand')).toBe(200);
    void send('later');
    expect((await third).value?.id).toBe('later');
  });

  it('WH5: the same delivery twice is one event, and 2xx both times', async () => {
    const { source, port } = await startSource();
    const { ids } = consume(source);
    expect(await deliver(port, 'one')).toBe(202);
    expect(await deliver(port, 'one')).toBe(200);
    expect(await deliver(port, 'two')).toBe(202);
    expect(ids).toEqual(['one', 'two']);
  });

  it('WH5: a delivery that is sent again while it is under way waits for the same outcome', async () => {
    const { source, port } = await startSource();
    const answers = [deliver(port, 'one'), deliver(port, 'one'), deliver(port, 'one')];
    await eventually(() => source.getStats().requests === 3);
    await turns();
    const events = source.generateEvents();
    expect((await events.next()).value?.id).toBe('one');
    expect(await afterTurns(Promise.race(answers))).toBe('pending');
    void events.next();
    expect(await Promise.all(answers)).toEqual([202, 202, 202]);
  });

  it('WH5: deliveries are remembered for as long as they can be sent again, and so many at most', async () => {
    const clock = new FakeClock(START);
    const { source, port } = await startSource({ maxRemembered: 2 }, { clock });
    const { ids } = consume(source);
    for (const id of ['one', 'two', 'three']) expect(await deliver(port, id)).toBe(202);
    expect(await deliver(port, 'three')).toBe(200);
    expect(await deliver(port, 'one')).toBe(202);
    await clock.advance(3 * 86_400_000 + 1);
    expect(await deliver(port, 'three')).toBe(202);
    expect(ids).toEqual(['one', 'two', 'three', 'one', 'three']);
  });

  it('WH5, WH9: what was acknowledged is known to the next process, in the step that saved the cursor', async () => {
    const cursorStore = new MemoryCursorStore();
    const factory = new EventSourceFactory({ sources: { webhook: WebhookSource }, cursorStore, autosave: false });
    const start = async () => {
      const config = { endpoints: GITHUB, server: { port: 0 } };
      const source = await factory.create('webhook', { id: 'test', credentials: { hooks: SECRET }, config });
      const [address] = await source.listen();
      return { source, port: address?.port ?? 0 };
    };
    const first = await start();
    const { ids } = consume(first.source);
    expect(await deliver(first.port, 'saved')).toBe(202);
    await factory.saveCursor(first.source);
    expect(await deliver(first.port, 'not saved')).toBe(202);
    expect(ids).toEqual(['saved', 'not saved']);
    await first.source.close();

    const second = await start();
    const events = second.source.generateEvents();
    const answers = [deliver(second.port, 'saved'), deliver(second.port, 'not saved')];
    // GitHub sends once: what came in between may be missing.
    expect((await events.next()).value?.type).toBe('headwater.gap');
    expect((await events.next()).value?.id).toBe('not saved');
    expect(await answers[0]).toBe(200);
    void events.next();
    expect(await answers[1]).toBe(202);
    await second.source.close();
  });

  it('WH9: a crash between the event and its acknowledgement: the retry is delivered', async () => {
    const cursorStore = new MemoryCursorStore();
    const factory = new EventSourceFactory({ sources: { webhook: WebhookSource }, cursorStore, autosave: false });
    const config = { endpoints: GITHUB, server: { port: 0 } };
    const crashed = await factory.create('webhook', { id: 'test', credentials: { hooks: SECRET }, config });
    const [address] = await crashed.listen();
    const answer = deliver(address?.port ?? 0, 'one');
    const events = crashed.generateEvents();
    expect((await events.next()).value?.id).toBe('one');
    // What was handed out is marked; nothing of it may be saved.
    await factory.saveCursor(crashed);
    await crashed.close();
    await events.return();
    expect(await answer).toBe(503);

    const next = await factory.create('webhook', { id: 'test', credentials: { hooks: SECRET }, config });
    const [again] = await next.listen();
    const retried = deliver(again?.port ?? 0, 'one');
    expect((await takeEvents(next, 1)).map(({ id }) => id)).toEqual(['one']);
    expect(await retried).toBe(202);
    await next.close();
  });

  it('WH7: what is too much gets 503, never 4xx, and is taken when there is room', async () => {
    const { source, port } = await startSource({ queueEvents: 2 });
    const waiting = [deliver(port, 'one'), deliver(port, 'two')];
    await eventually(() => source.getStats().requests === 2);
    await turns();
    expect(await request(port, delivery('three'))).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
    const { ids } = consume(source);
    expect(await Promise.all(waiting)).toEqual([202, 202]);
    expect(await deliver(port, 'three')).toBe(202);
    expect(ids).toEqual(['one', 'two', 'three']);
  });

  it('a batch that is rejected is not acknowledged: its sender is told so at its deadline', async () => {
    const clock = new FakeClock(START);
    const { source, port } = await startSource({}, { clock });
    const answer = deliver(port, 'one');
    const batches = source.generateBatches({ settlement: 'explicit' });
    const first = await batches.next();
    await first.value?.reject(new Error('no'));
    await batches.return();
    expect(await afterTurns(answer)).toBe('pending');
    await clock.advance(10_000);
    expect(await answer).toBe(503);
  });

  it('AG4: `break` leaves the event in hand unacknowledged; the next iteration brings it again, and answers', async () => {
    const { source, port } = await startSource();
    const answer = deliver(port, 'one');
    for await (const event of source.generateEvents()) {
      expect(event.id).toBe('one');
      break;
    }
    expect(await afterTurns(answer)).toBe('pending');
    expect((await takeEvents(source, 1))[0]?.id).toBe('one');
    expect(await answer).toBe(202);
  });
});

describe('closing', () => {
  it('takes no new requests, and answers what is in hand when it is acknowledged', async () => {
    const { source, port } = await startSource();
    const idle = await RawClient.connect(port);
    const inHand = deliver(port, 'in hand');
    const events = source.generateEvents();
    await events.next();
    const waiting = deliver(port, 'waiting');
    await eventually(() => source.getStats().requests === 2);
    await turns();
    await source.close();
    expect(await waiting).toBe(503);
    expect(await afterTurns(inHand)).toBe('pending');
    expect((await events.next()).done).toBe(true);
    expect(await inHand).toBe(202);
    await idle.closed();
    await expect(deliver(port, 'late')).rejects.toThrow(/ECONNREFUSED/);
  });

  it('tells requests that come over an open connection meanwhile: 503, Connection: close', async () => {
    const { source, port } = await startSource();
    const client = await RawClient.connect(port);
    client.write(delivery('one'));
    const events = source.generateEvents();
    await events.next();
    // The second is there when it closes, behind the first on the same connection.
    const other = await RawClient.connect(port);
    other.write(delivery('two').subarray(0, 40));
    await turns();
    await source.close();
    other.write(delivery('two').subarray(40));
    expect(await other.answer(1)).toMatchObject({ status: 503, headers: { connection: 'close' } });
    await events.next();
    expect((await client.answer(1))?.status).toBe(202);
  });

  it('what is in hand for longer than the grace gets 503', async () => {
    const clock = new FakeClock(START);
    const { source, port } = await startSource({}, { clock });
    const answer = deliver(port, 'one');
    const events = source.generateEvents();
    await events.next();
    await source.close();
    await turns();
    await clock.advance(5_000);
    await turns();
    expect(await answer).toBe(503);
    await clock.advance(1_000);
    await events.return();
  });

  it('AG3: leaves nothing open, however often it is closed, and before it ever listened', async () => {
    const source = await createSource();
    await source.close();
    await source.close();
    await expect(source.listen()).rejects.toMatchObject({ code: 'SOURCE_CLOSED' });
  });

  it('listens only while it is iterated, unless it is told to', async () => {
    const source = await createSource();
    expect(source.addresses()).toEqual([]);
    const events = source.generateEvents();
    const first = events.next();
    await eventually(() => source.addresses().length > 0);
    const answer = deliver(source.addresses()[0]?.port ?? 0, 'one');
    expect((await first).value?.id).toBe('one');
    await events.return();
    expect(await answer).toBe(503);
    expect(source.addresses()).toEqual([]);
  });

  it('AG1: an abort ends the wait at once with its reason', async () => {
    const { source } = await startSource();
    const controller = new AbortController();
    const waiting = source.generateEvents({ signal: controller.signal }).next();
    await turns();
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  it('says what is wrong where it cannot listen', async () => {
    const { port } = await startSource();
    const other = await createSource({ server: { port } });
    await expect(other.listen()).rejects.toMatchObject({ code: 'WEBHOOK_LISTEN', name: 'RetryableError' });
    expect(await other.validate()).toMatchObject({ ok: false, problems: [{ code: 'WEBHOOK_LISTEN' }] });
    const mounted = await createSource({ server: undefined });
    await expect(mounted.listen()).rejects.toMatchObject({ code: 'WEBHOOK_NO_SERVER' });
  });
});

describe('downtime', () => {
  const cursor = { listened: '2026-01-01T00:00:00.000Z' };

  it('is told by a gap where a sender sends once', async () => {
    const clock = new FakeClock(START + 60_000);
    const { source } = await startSource({}, { clock, cursor });
    const { value } = await source.generateEvents().next();
    expect(value).toMatchObject({
      type: 'headwater.gap',
      data: { reason: 'downtime', from: cursor.listened, to: '2026-01-01T00:01:00.000Z' },
    });
  });

  it('is not told where every sender tries again for longer', async () => {
    const clock = new FakeClock(START + 60_000);
    const endpoints = { hooks: { provider: 'generic', auth: { scheme: 'bearer' } } } as const;
    const { source, port } = await startSource({ endpoints }, { clock, cursor });
    void request(
      port,
      `POST /hooks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${SECRET}\r\nContent-Length: 0\r\n\r\n`,
    );
    expect((await source.generateEvents().next()).value?.type).toBe('webhook.received');
  });

  it('a source that is quiet keeps its cursor up to date', async () => {
    const clock = new FakeClock(START);
    const { source } = await startSource({}, { clock });
    void source.generateEvents().next();
    await eventually(() => clock.sleeping > 0);
    await clock.advance(90_000);
    expect(source.getCursor()).toEqual({ listened: '2026-01-01T00:01:30.000Z' });
  });
});

describe('the answer', () => {
  it('is what the consumer says, at once, whatever is still in hand', async () => {
    const { source, port } = await startSource();
    const answer = request(port, delivery('one'));
    const events = source.generateEvents();
    const { value } = await events.next();
    const body = JSON.stringify({ created: 3 });
    const given = { status: 200, headers: { 'content-type': 'application/json' }, body };
    expect(source.answer(value as never, given)).toBe(true);
    expect(await answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' }, body });
    expect(source.answer(value as never, given)).toBe(false);
  });

  it('is what `respond` makes of it', async () => {
    const endpoints = {
      hooks: {
        provider: 'github',
        respond: async ({ endpoint, id, outcome, events }: Answering) => ({
          status: 200,
          body: `${endpoint} ${id} ${outcome} ${events.length}`,
        }),
      },
    } as const;
    const { source, port } = await startSource({ endpoints });
    consume(source);
    expect((await request(port, delivery('one')))?.body).toBe('hooks one acknowledged 1');
    expect((await request(port, delivery('one')))?.body).toBe('hooks one duplicate 1');
  });

  it('tells nothing of what goes wrong inside', async () => {
    const endpoints = {
      hooks: {
        provider: 'github',
        respond: () => {
          throw new Error('a path of the host: /etc/host');
        },
      },
    } as const;
    const { source, port } = await startSource({ endpoints });
    consume(source);
    const answer = await request(port, delivery('one'));
    expect(answer).toMatchObject({ status: 500, body: '{"error":"something went wrong inside"}' });
  });
});
