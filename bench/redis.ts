import { openRedis } from '../test/services/redis.js';
import { redisSource } from './built.js';
import { type Bench, type Information, paired, type Row } from './measure.js';
import { slowConsumer } from './slow-consumer.js';

const ENTRIES = 100_000;
const AT_ONCE = 500;
const STREAM = `headwater-bench-${process.pid}`;

/** Entries of a stream read in a group and acknowledged, beside a loop of XREADGROUP and XACK. Needs Redis on its port. */
export const redis: Bench = {
  name: 'redis',
  async *rows(): AsyncGenerator<Row | Information> {
    const client = await openRedis();
    try {
      await fill(client);
      yield await groups(client);
      yield await slow(client);
    } finally {
      await client.del(STREAM);
      client.destroy();
    }
  },
};

type Client = Awaited<ReturnType<typeof openRedis>>;

async function fill(client: Client): Promise<void> {
  for (let from = 0; from < ENTRIES; from += 1_000) {
    const adding = Array.from({ length: 1_000 }, (_, at) =>
      client.xAdd(STREAM, '*', { n: `${from + at}`, name: 'an order', body: 'x'.repeat(60) }),
    );
    await Promise.all(adding);
  }
}

async function groups(client: Client): Promise<Row> {
  const { RedisSource } = await redisSource();
  let runs = 0;
  const ours = async (): Promise<void> => {
    runs += 1;
    const config = { mode: 'group', streams: [STREAM], group: `ours-${runs}`, batchSize: AT_ONCE } as const;
    const source = await RedisSource.create({ id: 'bench', config });
    let count = 0;
    for await (const { events } of source.generateBatches()) count += events.length;
    if (count !== ENTRIES) throw new Error(`${count} entries`);
    await source.close();
  };
  const rival = async (): Promise<void> => {
    runs += 1;
    const group = `rival-${runs}`;
    const reader = client.duplicate();
    await reader.connect();
    await reader.xGroupCreate(STREAM, group, '0');
    let count = 0;
    for (;;) {
      const answer = await reader.xReadGroup(group, 'bench', { key: STREAM, id: '>' }, { COUNT: AT_ONCE });
      const messages = (answer as { messages: { id: string }[] }[] | null)?.[0]?.messages ?? [];
      if (messages.length === 0) break;
      count += messages.length;
      await reader.xAck(
        STREAM,
        group,
        messages.map(({ id }) => id),
      );
    }
    if (count !== ENTRIES) throw new Error(`${count} entries`);
    reader.destroy();
  };
  const row = `${ENTRIES} entries read and acknowledged, beside XREADGROUP and XACK ${AT_ONCE} at a time`;
  return paired({ bench: 'redis', row, goal: 1.25, ours, rival, pairs: 9, warmUps: 3 });
}

async function slow(client: Client): Promise<Row> {
  const { RedisSource } = await redisSource();
  await client.xGroupCreate(STREAM, 'slow', '0');
  const config = { mode: 'group', streams: [STREAM], group: 'slow' } as const;
  const source = await RedisSource.create({ id: 'bench', config });
  const row = await slowConsumer('redis', source as never, 2);
  await source.close();
  return row;
}
