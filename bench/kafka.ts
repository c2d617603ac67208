import { Kafka, logLevel } from 'kafkajs';
import { MockKafka } from '../test/services/kafka.js';
import { kafkaSource } from './built.js';
import { type Bench, type Information, paired, type Row } from './measure.js';
import { slowConsumer } from './slow-consumer.js';

const MESSAGES = 200_000;
const AT_ONCE = 500;
const PARTITIONS = 8;
const VALUE = JSON.stringify({ n: 1, name: 'an order', body: 'x'.repeat(60) });

/** Messages of a group, beside `eachBatch` of kafkajs with the same commits; on the cluster that librdkafka has for tests. */
export const kafka: Bench = {
  name: 'kafka',
  async *rows(): AsyncGenerator<Row | Information> {
    const cluster = await MockKafka.start();
    try {
      await cluster.topic('bench', PARTITIONS);
      for (let sent = 0; sent < MESSAGES; sent += AT_ONCE) {
        const partition = (sent / AT_ONCE) % PARTITIONS;
        const messages = Array.from({ length: AT_ONCE }, (_, at) => ({ key: `${sent + at}`, value: VALUE, partition }));
        await cluster.send('bench', messages, { isOne: true });
      }
      yield await groups(cluster);
      yield await slow(cluster);
    } finally {
      await cluster.stop();
    }
  },
};

const shared = { maxWaitMs: 100, concurrency: PARTITIONS };

async function groups({ brokers }: MockKafka): Promise<Row> {
  const { KafkaSource } = await kafkaSource();
  let runs = 0;
  const ours = async (): Promise<void> => {
    runs += 1;
    const config = { brokers, topics: ['bench'], group: `ours-${runs}`, ...shared };
    const source = await KafkaSource.create({ id: 'bench', config });
    let count = 0;
    for await (const { events } of source.generateBatches({ follow: true, limit: MESSAGES })) count += events.length;
    if (count !== MESSAGES) throw new Error(`${count} messages`);
    await source.close();
  };
  const rival = async (): Promise<void> => {
    runs += 1;
    const client = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
    const consumer = client.consumer({ groupId: `rival-${runs}`, maxWaitTimeInMs: shared.maxWaitMs });
    await consumer.connect();
    await consumer.subscribe({ topics: ['bench'], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      let count = 0;
      const reading = consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: PARTITIONS,
        eachBatch: async ({ batch, resolveOffset }) => {
          for (const { value } of batch.messages) if (value !== null) JSON.parse(value.toString());
          resolveOffset(batch.lastOffset());
          const offset = `${BigInt(batch.lastOffset()) + 1n}`;
          await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset }]);
          count += batch.messages.length;
          if (count === MESSAGES) resolve();
        },
      });
      reading.catch(reject);
    });
    await consumer.disconnect();
  };
  const row = `${MESSAGES} messages of a group, beside eachBatch of kafkajs with the same commits`;
  return paired({ bench: 'kafka', row, goal: 1.25, ours, rival, pairs: 5, warmUps: 3 });
}

async function slow({ brokers }: MockKafka): Promise<Row> {
  const { KafkaSource } = await kafkaSource();
  const times = { heartbeatMs: 1_000, sessionTimeoutMs: 6_000 };
  const source = await KafkaSource.create({
    id: 'bench',
    config: { brokers, topics: ['bench'], group: 'slow', ...shared, ...times },
  });
  const row = await slowConsumer('kafka', source as never, 2);
  await source.close();
  return row;
}
