import { ingest, MemoryDeadLetterStore, SkippableError } from 'headwater';
import { type RabbitmqConfigInput, type RabbitmqEvent, RabbitmqSource } from 'headwater/sources/streams/rabbitmq';
import { expect, it } from 'vitest';
import { Gate } from '../../../services/gate.js';
import { describeWith } from '../../../services/needs.js';
import { channelClose, isRabbitmqThere, RABBITMQ_PORT, withRabbit } from '../../../services/rabbitmq.js';
import { collect, eventually, range } from '../support.js';

type Given = Partial<Extract<RabbitmqConfigInput, { mode: 'queue' }>>;

const open = (queue: string, given: Given = {}): Promise<RabbitmqSource> =>
  RabbitmqSource.create({ id: 'reader', config: { mode: 'queue', queue, idleMs: 150, ...given } });

const valuesOf = (events: readonly RabbitmqEvent[]): unknown[] =>
  events.map(({ data }) => ('value' in data ? data.value : undefined));

const sorted = (values: readonly unknown[]): number[] => values.map(Number).sort((one, other) => one - other);

describeWith('RabbitMQ', await isRabbitmqThere(), 'a queue of RabbitMQ', () => {
  it('RB1: a message is acknowledged when its event is, never before; no more is held than was asked for', async () => {
    await withRabbit(async (rabbit) => {
      const queue = await rabbit.queue('q');
      await rabbit.send(queue, range(1, 10));
      const source = await open(queue, { prefetch: 4 });
      const events = source.generateEvents();
      expect((await events.next()).value).toMatchObject({ data: { value: 1, queue } });
      await eventually(async () => (await rabbit.ready(queue)) === 6, 'four are held');
      await events.next();
      await events.next();
      await eventually(async () => (await rabbit.ready(queue)) === 4, 'two are acknowledged, two more are sent');
      await events.return();
      await eventually(async () => (await rabbit.ready(queue)) === 8, 'what is not acknowledged goes back');
      const rest = await collect(source.generateEvents());
      // In which order they go back, the queue decides.
      expect(sorted(valuesOf(rest))).toEqual(range(3, 10));
      const third = rest.find(({ data }) => 'value' in data && data.value === 3);
      expect(third?.data).toMatchObject({ redelivered: true, deliveries: 1 });
      expect(await rabbit.ready(queue)).toBe(0);
      await source.close();
    });
  });

  it('RB2: what fails is rejected one by one and counted, up to the limit of the queue; the rest flows on', async () => {
    await withRabbit(async (rabbit) => {
      const dead = await rabbit.queue('dead');
      const queue = await rabbit.queue('q', {
        'x-delivery-limit': 2,
        'x-dead-letter-exchange': '',
        'x-dead-letter-routing-key': dead,
      });
      await rabbit.send(queue, range(1, 5));
      const stored: unknown[] = [];
      for (let life = 0; life < 6; life += 1) {
        const source = await open(queue, { prefetch: 1 });
        const sink = async ({ events }: { events: readonly RabbitmqEvent[] }): Promise<void> => {
          if (valuesOf(events).includes(3)) throw new Error('this one is poison');
          stored.push(...valuesOf(events));
        };
        await ingest({ source, sink, batch: { maxEvents: 1 }, retry: { retries: 0 } }).catch(() => {});
        await source.close();
      }
      expect(stored).toEqual([1, 2, 4, 5]);
      await eventually(async () => (await rabbit.ready(dead)) === 1, 'the poison is among the dead');
      const letter = await rabbit.channel.get(dead, { noAck: true });
      expect(letter !== false && letter.content.toString()).toBe('3');
    });
  });

  it('RB2: with onFailure dead-letter what fails goes to the dead at once', async () => {
    await withRabbit(async (rabbit) => {
      const dead = await rabbit.queue('dead');
      const queue = await rabbit.queue('q', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead });
      await rabbit.send(queue, [1, 2]);
      const source = await open(queue, { onFailure: 'dead-letter' });
      for await (const batch of source.generateBatches({ maxEvents: 1, settlement: 'explicit' })) {
        await batch.reject(new Error('no'));
        break;
      }
      await eventually(async () => (await rabbit.ready(dead)) >= 1, 'it is among the dead');
      expect(valuesOf(await collect(source.generateEvents()))).toEqual([2]);
      await source.close();
    });
  });

  it('a message that kills its consumer again and again goes to the dead, and takes no other with it', async () => {
    await withRabbit(async (rabbit) => {
      const dead = await rabbit.queue('dead');
      const queue = await rabbit.queue('q', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead });
      await rabbit.send(queue, range(1, 6));
      const seen: unknown[] = [];
      for (let life = 0; life < 8; life += 1) {
        const source = await open(queue, { maxDeliveries: 3 });
        for await (const event of source.generateEvents()) {
          const [value] = valuesOf([event]);
          if (value === 3) break;
          seen.push(value);
        }
        await source.close();
      }
      expect(sorted(seen)).toEqual([1, 2, 4, 5, 6]);
      await eventually(async () => (await rabbit.ready(dead)) === 1, 'one is among the dead');
    });
  });

  it('with dead letters in the pipeline the queue goes on', async () => {
    await withRabbit(async (rabbit) => {
      const queue = await rabbit.queue('q');
      await rabbit.send(queue, [1, Buffer.from('{'), 3]);
      const source = await open(queue);
      const deadLetters = new MemoryDeadLetterStore();
      const stored: unknown[] = [];
      await ingest({
        source,
        deadLetters,
        transform: (event) => {
          if (event.type === 'rabbitmq.message.invalid') throw new Error(event.data.reason);
          return event;
        },
        sink: async ({ events }) => void stored.push(...valuesOf(events as readonly RabbitmqEvent[])),
      });
      expect(stored).toEqual([1, 3]);
      const letters = await collect(deadLetters.list());
      expect(letters).toMatchObject(
        [{ event: { data: { base64: 'ew==' } }, error: { message: /not JSON/ } }].map(() => ({})),
      );
      expect(letters[0]?.error.message).toContain('not JSON');
      expect(await rabbit.ready(queue)).toBe(0);
      await source.close();
    });
  });

  it('RB2: what fails for good in the pipeline goes to the dead-letter exchange, wherever it is in its batch; the rest is acknowledged', async () => {
    await withRabbit(async (rabbit) => {
      const dead = await rabbit.queue('dead');
      const queue = await rabbit.queue('q', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead });
      await rabbit.send(queue, [...range(1, 9), Buffer.from('{')]);
      const source = await open(queue);
      const stored: unknown[] = [];
      const report = await ingest({
        source,
        deadLetters: 'upstream',
        transform: (event) => {
          if (event.type === 'rabbitmq.message.invalid') throw new Error(event.data.reason);
          return event;
        },
        sink: async ({ events }) => {
          const values = valuesOf(events as readonly RabbitmqEvent[]);
          if (values.some((value) => value === 1 || value === 5 || value === 9)) throw new SkippableError('poison');
          stored.push(...values);
        },
      });
      expect(report).toMatchObject({ status: 'partial', deadLettered: 4, written: 6 });
      expect(sorted(stored)).toEqual([2, 3, 4, 6, 7, 8]);
      await eventually(async () => (await rabbit.ready(dead)) === 4, 'four are among the dead');
      const letters: string[] = [];
      for (let letter = await rabbit.channel.get(dead, { noAck: true }); letter !== false; ) {
        const [death] = letter.properties.headers?.['x-death'] ?? [];
        letters.push(`${letter.content} ${death?.reason}`);
        letter = await rabbit.channel.get(dead, { noAck: true });
      }
      expect(letters.sort()).toEqual(['1 rejected', '5 rejected', '9 rejected', '{ rejected']);
      expect(source.getStats().dropped).toEqual({ 'dead-letter': 4 });
      await source.close();
      expect(await rabbit.ready(queue)).toBe(0);
    });
  });

  it('a stream queue, and one that acknowledges by itself, have no place for what fails', async () => {
    await withRabbit(async (rabbit) => {
      const queue = await rabbit.queue('q');
      const source = await open(queue, { acknowledge: 'automatic' });
      await expect(ingest({ source, sink: async () => {}, deadLetters: 'upstream' })).rejects.toMatchObject({
        name: 'ConfigError',
        problems: [{ code: 'NO_UPSTREAM_DEAD_LETTERS' }],
      });
      await source.close();
    });
  });

  it('RB3: a lost connection is mended, late acknowledgements do nothing, what comes again says so', async () => {
    await withRabbit(async (rabbit) => {
      const queue = await rabbit.queue('q');
      const gate = await Gate.to(RABBITMQ_PORT);
      await rabbit.send(queue, range(1, 6));
      const url = `amqp://127.0.0.1:${gate.port}`;
      const source = await open(queue, { url, prefetch: 3, reconnect: { minDelayMs: 20 } });
      const seen: RabbitmqEvent[] = [];
      const stop = new AbortController();
      const reading = (async () => {
        for await (const event of source.generateEvents({ follow: true, signal: stop.signal })) {
          seen.push(event);
          if (seen.length !== 2) continue;
          gate.shut();
          await eventually(() => gate.connections === 0, 'the connection is gone');
          setTimeout(() => gate.open(), 100);
        }
      })().catch((error: unknown) => error);
      await eventually(() => new Set(valuesOf(seen)).size === 6, 'all came');
      await eventually(async () => (await rabbit.ready(queue)) === 0, 'none is left');
      expect(seen.some(({ data }) => 'redelivered' in data && data.redelivered === true)).toBe(true);
      stop.abort('enough');
      expect(await reading).toBe('enough');
      await source.close();
      await gate.close();
      await eventually(async () => (await rabbit.ready(queue)) <= 1, 'at most the one in hand came back');
    });
  });

  it('RB3: a broker that cancels, as the queue is deleted, is asked again; without a queue that is told', async () => {
    await withRabbit(async (rabbit) => {
      const queue = await rabbit.queue('q');
      const source = await open(queue, { reconnect: { minDelayMs: 20 } });
      const next = source.generateEvents({ follow: true }).next();
      await eventually(() => source.getStatus().state === 'caught-up', 'it waits');
      await rabbit.channel.deleteQueue(queue);
      await expect(next).rejects.toMatchObject({ name: 'NotFoundError', code: 'RABBITMQ_MISSING' });
      const made = await open(queue, { declare: {}, reconnect: { minDelayMs: 20 } });
      const events = made.generateEvents({ follow: true });
      const first = events.next();
      await eventually(() => made.getStatus().state === 'caught-up', 'it waits');
      await rabbit.channel.deleteQueue(queue);
      await eventually(
        () => made.getStats().retries > 0 && made.getStatus().state === 'caught-up',
        'it made the queue anew',
      );
      await rabbit.send(queue, ['new']);
      expect((await first).value).toMatchObject({ data: { value: 'new' } });
      await events.return();
      await made.close();
    });
  });

  it('RB4: a consumer that is slower than the broker waits is sent less, and goes on', async () => {
    await withRabbit(async (rabbit) => {
      const queue = await rabbit.queue('q');
      const gate = await Gate.to(RABBITMQ_PORT);
      await rabbit.send(queue, range(1, 8));
      const url = `amqp://127.0.0.1:${gate.port}`;
      const warnings: string[] = [];
      const logger = { warn: (_: object, text: string) => void warnings.push(text), debug() {}, info() {}, error() {} };
      const source = await RabbitmqSource.create({
        id: 'slow',
        config: { mode: 'queue', queue, url, prefetch: 4, idleMs: 150, reconnect: { minDelayMs: 20 } },
        logger: logger as never,
      });
      const events = source.generateEvents();
      await events.next();
      gate.inject(channelClose(406, 'PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out'));
      await eventually(() => warnings.length > 0, 'it is told');
      expect(warnings[0]).toBe('the consumer is slower than the broker waits');
      const rest = await collect(events);
      expect([...new Set(sorted(valuesOf(rest)))]).toEqual(range(1, 8));
      expect(await rabbit.ready(queue)).toBe(0);
      await source.close();
      await gate.close();
    });
  });

  it('automatic acknowledgement is at most once, and says so', async () => {
    await withRabbit(async (rabbit) => {
      const queue = await rabbit.queue('q');
      await rabbit.send(queue, range(1, 3));
      const source = await open(queue, { acknowledge: 'automatic' });
      expect(source.capabilities.delivery).toBe('at-most-once');
      for await (const _ of source.generateEvents()) break;
      await source.close();
      await eventually(async () => (await rabbit.ready(queue)) === 2, 'the one in hand does not come back');
    });
  });

  it('exchanges and bindings, headers and properties, as JSON can hold them', async () => {
    await withRabbit(async (rabbit) => {
      const [queue, exchange] = [rabbit.name('q'), rabbit.name('x')];
      await rabbit.channel.assertExchange(exchange, 'topic', { autoDelete: true, durable: false });
      const source = await open(queue, { declare: { bindings: [{ exchange, routingKey: 'order.*' }] } });
      const events = source.generateEvents({ follow: true });
      const next = events.next();
      await eventually(() => source.getStatus().state === 'caught-up', 'it waits');
      rabbit.channel.publish(exchange, 'other.new', Buffer.from('1'));
      rabbit.channel.publish(exchange, 'order.new', Buffer.from('{"n":1}'), {
        messageId: 'm-1',
        timestamp: 1_700_000_000,
        type: 'order',
        headers: { bytes: Buffer.from([1, 2]), nested: { list: [1, null, true] } },
      });
      expect((await next).value).toMatchObject({
        id: 'm-1',
        subject: queue,
        time: '2023-11-14T22:13:20.000Z',
        data: {
          exchange,
          routingKey: 'order.new',
          value: { n: 1 },
          headers: { bytes: 'AQI=', nested: { list: [1, null, true] } },
          properties: { messageId: 'm-1', type: 'order' },
        },
      });
      await events.return();
      await source.close();
    });
  });
});
