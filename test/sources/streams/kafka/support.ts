import { type KafkaConfigInput, type KafkaCursor, type KafkaEvent, KafkaSource } from 'headwater/sources/streams/kafka';
import type { MockKafka } from '../../../services/kafka.js';

export interface Given extends Partial<KafkaConfigInput> {
  readonly cursor?: KafkaCursor | undefined;
  readonly onGap?: 'emit';
}

/** A source of a topic and a group of the same name. */
export function openSource(
  kafka: MockKafka,
  topic: string,
  { cursor, onGap, ...given }: Given = {},
): Promise<KafkaSource> {
  const timing = {
    heartbeatMs: 300,
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 3_000,
    maxWaitMs: 100,
    idleMs: 1_500,
  };
  const reconnect = { retries: 10, minDelayMs: 100 };
  const config = { brokers: kafka.brokers, topics: [topic], group: topic, ...timing, reconnect, ...given };
  return KafkaSource.create({ id: `reader-of-${topic}`, config, cursor, onGap });
}

export function valuesOf(events: readonly KafkaEvent[]): unknown[] {
  return events.flatMap(({ data }) => ('value' in data ? [data.value] : []));
}

/** Messages with the numbers as values, all in one partition. */
export function numbered(from: number, to: number, partition = 0): { value: string; partition: number }[] {
  return Array.from({ length: to - from + 1 }, (_, at) => ({ value: `${from + at}`, partition }));
}
