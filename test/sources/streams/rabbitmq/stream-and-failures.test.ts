import { AuthenticationError, ConfigError, ConnectionError, FatalError, GapError, NotFoundError } from 'headwater';
import {
  type RabbitmqConfigInput,
  type RabbitmqCursor,
  type RabbitmqEvent,
  RabbitmqSource,
} from 'headwater/sources/streams/rabbitmq';
import { expect, it } from 'vitest';
import { freePort } from '../../../services/daemon.js';
import { describeWith } from '../../../services/needs.js';
import { isRabbitmqThere, withRabbit } from '../../../services/rabbitmq.js';
import { collect, range } from '../support.js';

type Given = Partial<Extract<RabbitmqConfigInput, { mode: 'stream' }>>;

const open = (queue: string, cursor?: RabbitmqCursor, given: Given = {}, onGap?: 'emit'): Promise<RabbitmqSource> =>
  RabbitmqSource.create({ id: 'reader', config: { mode: 'stream', queue, idleMs: 300, ...given }, cursor, onGap });

const valuesOf = (events: readonly RabbitmqEvent[]): unknown[] =>
  events.flatMap(({ data }) => ('value' in data ? [data.value] : []));

describeWith('RabbitMQ', await isRabbitmqThere(), 'a stream queue of RabbitMQ', () => {
  it('is read by offset, the position in our own cursor', async () => {
    await withRabbit(async (rabbit) => {
      const queue = await rabbit.queue('s', { 'x-queue-type': 'stream' });
      await rabbit.send(queue, range(1, 20));
      const source = await open(queue, undefined, { prefetch: 4 });
      expect(source.capabilities).toMatchObject({ position: 'cursor', ids: 'stable' });
      const first = await collect(source.generateEvents(), 7);
      expect(first[2]).toMatchObject({ id: '2', data: { offset: '2' } });
      expect(source.getCursor()).toEqual({ next: 6 });
      const next = await open(queue, source.getCursor());
      expect(valuesOf(await collect(next.generateEvents()))).toEqual(range(7, 20));
      expect(await collect((await open(queue, next.getCursor())).generateEvents())).toEqual([]);
      expect(valuesOf(await collect((await open(queue, undefined, { start: 18 })).generateEvents()))).toEqual([19, 20]);
    });
  });

  it('holes that the stream itself makes are no gap', async () => {
    await withRabbit(async (rabbit) => {
      const queue = await rabbit.queue('s', { 'x-queue-type': 'stream' });
      // Each sender that goes leaves something in the stream that is no message.
      for (let n = 1; n <= 40; n += 1) await rabbit.send(queue, [n]);
      const source = await open(queue);
      const first = await collect(source.generateEvents(), 20);
      const next = await open(queue, source.getCursor());
      const rest = await collect(next.generateEvents());
      expect([...valuesOf(first.slice(0, -1)), ...valuesOf(rest)]).toEqual(range(1, 40));
    });
  });

  it('what the retention removed before it was read is a gap', async () => {
    await withRabbit(async (rabbit) => {
      const queue = await rabbit.queue('s', {
        'x-queue-type': 'stream',
        'x-max-length-bytes': 50_000,
        'x-stream-max-segment-size-bytes': 20_000,
      });
      const source = await open(queue);
      const body = 'x'.repeat(1_000);
      await rabbit.send(queue, [0]);
      await collect(source.generateEvents());
      for (let part = 0; part < 40; part += 1)
        await rabbit.send(
          queue,
          Array.from({ length: 10 }, () => body),
        );
      await expect(collect((await open(queue, source.getCursor())).generateEvents())).rejects.toThrow(GapError);
      const events = await collect((await open(queue, source.getCursor(), {}, 'emit')).generateEvents());
      const to = Number(events[1]?.id);
      expect(events[0]).toMatchObject({ type: 'headwater.gap', data: { reason: 'retention', from: 1, to } });
      expect(valuesOf(events).length).toBeGreaterThanOrEqual(10);
    });
  });
});

describeWith('RabbitMQ', await isRabbitmqThere(), 'a RabbitMQ that cannot be read', () => {
  const failureOf = async (config: RabbitmqConfigInput, credentials?: { user: string; password: string }) => {
    const reconnect = { retries: 1, minDelayMs: 5 };
    const source = await RabbitmqSource.create({ id: 'r', config: { ...config, reconnect }, credentials });
    const error = await collect(source.generateEvents()).catch((reason: unknown) => reason);
    const validated = await source.validate();
    expect(validated.ok).toBe(false);
    expect(validated.problems[0]?.code).toBe((error as { code?: string }).code);
    return error as Error;
  };

  it('nobody listens', async () => {
    const url = `amqp://127.0.0.1:${await freePort()}`;
    const error = await failureOf({ mode: 'queue', url, queue: 'q' });
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain('see that it runs');
  });

  it('wrong credentials', async () => {
    const error = await failureOf({ mode: 'queue', queue: 'q' }, { user: 'guest', password: 'planted-secret' });
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error.message).not.toContain('planted-secret');
  });

  it('no such virtual host, no such queue', async () => {
    expect(await failureOf({ mode: 'queue', url: 'amqp://127.0.0.1/nowhere', queue: 'q' })).toMatchObject({
      name: 'NotFoundError',
      code: 'RABBITMQ_NO_VHOST',
    });
    const error = await failureOf({ mode: 'queue', queue: 'headwater-test-nothing' });
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error.message).toContain('set declare');
  });

  it('a queue that is not as it was declared, a stream that is none', async () => {
    await withRabbit(async (rabbit) => {
      const queue = await rabbit.queue('q');
      const source = await RabbitmqSource.create({
        id: 'r',
        config: { mode: 'queue', queue, declare: { type: 'classic' } },
      });
      const error = await collect(source.generateEvents()).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(FatalError);
      expect(error).toMatchObject({ code: 'RABBITMQ_MISMATCH' });
      expect((error as Error).message).toContain('agree');
    });
  });

  it('a configuration that cannot be is refused', async () => {
    for (const config of [{ mode: 'queue' }, { mode: 'queue', queue: 'q', url: 'amqp://a:b@host' }, { queue: 'q' }]) {
      await expect(RabbitmqSource.create({ id: 'r', config: config as never })).rejects.toThrow(ConfigError);
    }
  });
});
