import { type KafkaCursor, partitionKey } from './cursor.js';
import { type Attempts, attemptsOf, NO_ATTEMPTS } from './deliveries.js';
import type { KafkaClient, KafkaOffset, KafkaPartition } from './kafka-client.js';

/** Where a partition that is ours was read to. */
export interface Position {
  /** The next to be handed out. */
  next: bigint;
  /** The next to be acknowledged: what is committed. */
  frontier: bigint;
  /** Behind the last that was there when the partition became ours. */
  end: bigint;
  attempts: Attempts;
  /** Called when the frontier has moved. */
  onMoved?: () => void;
}

/** What can no longer be had of a partition. */
export interface Loss extends KafkaPartition {
  readonly from: bigint;
  readonly to: bigint;
  /** The partition ends before the place where it was read to: it is another. */
  readonly isAnother: boolean;
}

export interface Lookup {
  readonly client: KafkaClient;
  readonly cursor: KafkaCursor | undefined;
  readonly outOfRange: 'earliest' | 'latest';
  readonly start: 'earliest' | 'latest';
}

/** Where partitions begin that have become ours, and what of them is lost. */
export async function lookUp(
  partitions: readonly KafkaPartition[],
  { client, cursor, outOfRange, start }: Lookup,
): Promise<{ positions: Map<string, Position>; losses: readonly Loss[] }> {
  const topics = [...new Set(partitions.map(({ topic }) => topic))];
  const committed = cursor === undefined ? await client.committed(topics) : [];
  const positions = new Map<string, Position>();
  const losses: Loss[] = [];
  for (const topic of topics) {
    for (const { partition, low: first, high: last } of await client.watermarks(topic)) {
      const at = { topic, partition };
      if (!partitions.some((own) => own.topic === topic && own.partition === partition)) continue;
      const [low, high] = [BigInt(first), BigInt(last)];
      const { next: known, attempts } = knownPlace(at, committed, cursor);
      const isThere = known === undefined || (known >= low && known <= high);
      const next = known !== undefined && isThere ? known : (isThere ? start : outOfRange) === 'earliest' ? low : high;
      if (known !== undefined && !isThere) losses.push({ ...at, from: known, to: next, isAnother: known > high });
      positions.set(partitionKey(at), { next, frontier: next, end: high, attempts });
    }
  }
  return { positions, losses };
}

function knownPlace(
  at: KafkaPartition,
  committed: readonly KafkaOffset[],
  cursor: KafkaCursor | undefined,
): { next: bigint | undefined; attempts: Attempts } {
  if (cursor !== undefined) {
    const next = cursor.next[partitionKey(at)];
    return { next: next === undefined ? undefined : BigInt(next), attempts: NO_ATTEMPTS };
  }
  const found = committed.find(({ topic, partition }) => topic === at.topic && partition === at.partition);
  const offset = BigInt(found?.offset ?? '-1');
  return offset < 0n || found === undefined
    ? { next: undefined, attempts: NO_ATTEMPTS }
    : { next: offset, attempts: attemptsOf(found) };
}
