import { KafkaSource } from 'headwater/sources/streams/kafka';
import type { SourceHarness, SourceWorld } from 'headwater/testing';
import { MemoryKafka } from '../../services/memory-kafka.js';

const FLOOD = 20_000;
const SECRETS = 'who brings a client of their own signs in by themselves';

/**
 * Two partitions in memory, as joining a group takes a real broker seconds each time; the real protocol:
 * test/sources/streams/kafka.
 */
class Messages implements SourceWorld {
  readonly events = 7;
  readonly kafka = new MemoryKafka([0, 1, 2], [0, 1, 4]);
  readonly config = {
    client: this.kafka.factory,
    topics: ['t'],
    group: 'g',
    idleMs: 50,
    reconnect: { minDelayMs: 20 },
  };

  constructor() {
    this.kafka.add(1, 'no json');
  }
}

export const harness: SourceHarness<Messages> = {
  source: KafkaSource,
  open: async () => new Messages(),
  more: async ({ kafka }) => kafka.add(0, '"more"'),
  requests: ({ kafka }) => kafka.requests,
  fail: ({ kafka }, kind, after) => kafka.fail(kind, after),
  hang: ({ kafka }) => kafka.hang(),
  connections: ({ kafka }) => kafka.clients.size,
  flood: async ({ kafka }) => {
    for (let n = 0; n < FLOOD; n += 1) kafka.add(0, '1');
  },
  taken: ({ kafka }) => kafka.taken / FLOOD,
  patienceMs: 30_000,
  skip: [
    {
      case: 'what another process reads is the same to the letter',
      reason: 'topic, partition and offset are those of Kafka; a client in memory is not there in another process',
    },
    {
      case: 'credentials that are not there are refused, each of them',
      reason: 'a Kafka within a network may ask for none',
    },
    { case: 'no secret is in an event, a cursor, a log line or what a source prints as', reason: SECRETS },
    { case: 'no secret is in an error, its causes, or what is logged and told when upstream fails', reason: SECRETS },
    { case: 'no secret is in the error that refuses a configuration or credentials', reason: SECRETS },
  ],
};
