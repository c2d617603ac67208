import { type Channel, connect } from 'amqplib';
import { rabbitmqSource } from './built.js';
import { type Bench, type Information, paired, type Row } from './measure.js';
import { slowConsumer } from './slow-consumer.js';

const MESSAGES = 50_000;
const PREFETCH = 500;
const PAIRS = 7;
const WARM_UPS = 2;
const URL = 'amqp://guest:guest@127.0.0.1:5672';
const PREFIX = `headwater-bench-${process.pid}`;
const BODY = Buffer.from(JSON.stringify({ n: 1, name: 'an order', body: 'x'.repeat(60) }));

/** Messages of queues, beside a consumer of amqplib that acknowledges each. Needs RabbitMQ on its port. */
export const rabbitmq: Bench = {
  name: 'rabbitmq',
  async *rows(): AsyncGenerator<Row | Information> {
    const connection = await connect(URL);
    const channel = await connection.createChannel();
    const names = Array.from({ length: 2 * (PAIRS + WARM_UPS) + 1 }, (_, at) => `${PREFIX}-${at}`);
    try {
      for (const name of names) await fill(channel, name);
      yield await queues(names.slice(1));
      yield await slow(names[0] as string);
    } finally {
      for (const name of names) await channel.deleteQueue(name);
      await connection.close();
    }
  },
};

async function fill(channel: Channel, queue: string): Promise<void> {
  await channel.assertQueue(queue, { durable: false });
  for (let sent = 0; sent < MESSAGES; sent += 1) {
    if (!channel.sendToQueue(queue, BODY)) await new Promise((resolve) => channel.once('drain', resolve));
  }
  while ((await channel.checkQueue(queue)).messageCount < MESSAGES)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

async function queues(names: readonly string[]): Promise<Row> {
  const { RabbitmqSource } = await rabbitmqSource();
  const left = [...names];
  const ours = async (): Promise<void> => {
    const config = { mode: 'queue', queue: left.pop() as string, prefetch: PREFETCH } as const;
    const source = await RabbitmqSource.create({ id: 'bench', config });
    let count = 0;
    for await (const { events } of source.generateBatches({ follow: true, limit: MESSAGES })) count += events.length;
    if (count !== MESSAGES) throw new Error(`${count} messages`);
    await source.close();
  };
  const rival = async (): Promise<void> => {
    const connection = await connect(URL);
    const channel = await connection.createChannel();
    await channel.prefetch(PREFETCH);
    const queue = left.pop() as string;
    await new Promise<void>((resolve) => {
      let count = 0;
      void channel.consume(queue, (message) => {
        if (message === null) return;
        JSON.parse(message.content.toString());
        channel.ack(message);
        count += 1;
        if (count === MESSAGES) resolve();
      });
    });
    await channel.close();
    await connection.close();
  };
  const row = `${MESSAGES} messages, prefetch ${PREFETCH}, beside a consumer that parses and acknowledges each`;
  return paired({ bench: 'rabbitmq', row, goal: 1, ours, rival, pairs: PAIRS, warmUps: WARM_UPS });
}

async function slow(queue: string): Promise<Row> {
  const { RabbitmqSource } = await rabbitmqSource();
  const source = await RabbitmqSource.create({ id: 'bench', config: { mode: 'queue', queue, prefetch: PREFETCH } });
  const row = await slowConsumer('rabbitmq', source as never, 2);
  await source.close();
  return row;
}
