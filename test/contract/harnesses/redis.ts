import { RedisSource } from 'headwater/sources/streams/redis';
import type { SourceHarness, SourceWorld } from 'headwater/testing';
import { Gate } from '../../services/gate.js';
import { SharedRedis } from '../../services/redis.js';

const FLOOD = 50_000;
const FLOOD_TEXT = 'x'.repeat(100);

/** To each command of a piece: that it is not allowed. */
function notAllowed(sent: Buffer): Buffer {
  const commands = sent.toString('latin1').match(/(?:^|\r\n)\*\d+(?=\r\n)/g) ?? [];
  return Buffer.from('-NOPERM this user has no permissions to run the command\r\n'.repeat(commands.length));
}

/** Two streams and their entries, one of them with a payload that is none. */
class Entries implements SourceWorld {
  readonly events = 7;
  readonly config: unknown;
  readonly gate: Gate;
  readonly #redis: SharedRedis;
  #sequence = 0;

  static async open(): Promise<Entries> {
    const redis = await SharedRedis.open();
    const world = new Entries(redis, await Gate.to(redis.port, notAllowed));
    for (let n = 0; n < 5; n += 1) await world.add(n < 3 ? 'one' : 'two', JSON.stringify({ n }));
    await world.add('two', 'no json');
    await world.add('two', '{"n":6}');
    return world;
  }

  private constructor(redis: SharedRedis, gate: Gate) {
    this.#redis = redis;
    this.gate = gate;
    const url = `redis://127.0.0.1:${gate.port}/${redis.database}`;
    this.config = { mode: 'group', url, streams: ['one', 'two'], group: 'g', payload: 'body', batchSize: 100 };
  }

  async add(stream: string, body: string): Promise<void> {
    this.#sequence += 1;
    await this.#redis.client.xAdd(stream, `1700000000000-${this.#sequence}`, { body });
  }

  async flood(): Promise<void> {
    const added: Promise<void>[] = [];
    for (let n = 0; n < FLOOD; n += 1) added.push(this.add('one', JSON.stringify(FLOOD_TEXT)));
    await Promise.all(added);
  }

  get taken(): number {
    return this.gate.bytes / (FLOOD * FLOOD_TEXT.length);
  }

  async close(): Promise<void> {
    await this.gate.close();
    await this.#redis.close();
  }
}

const TELLS_DELIVERIES = 'what is delivered again says that it is';

export const harness: SourceHarness<Entries> = {
  source: RedisSource,
  open: () => Entries.open(),
  more: (entries) => entries.add('one', '{"n":"more"}'),
  requests: ({ gate }) => gate.requests,
  fail: ({ gate }, kind, after) => (kind === 'transient' ? gate.cut(after) : gate.refuse(after)),
  hang: ({ gate }) => gate.hang(),
  connections: ({ gate }) => gate.connections,
  flood: (entries) => entries.flood(),
  taken: (entries) => entries.taken,
  patienceMs: 30_000,
  skip: [
    { case: 'what is read again is the same to the letter', reason: TELLS_DELIVERIES },
    { case: 'what another process reads is the same to the letter', reason: TELLS_DELIVERIES },
    {
      case: 'credentials that are not there are refused, each of them',
      reason: 'a Redis within a network may ask for none',
    },
    {
      case: 'no secret is in an event, a cursor, a log line or what a source prints as',
      reason: 'with a password: test/sources/streams/redis/failures.test.ts',
    },
    {
      case: 'no secret is in an error, its causes, or what is logged and told when upstream fails',
      reason: 'with a password: test/sources/streams/redis/failures.test.ts',
    },
    {
      case: 'no secret is in the error that refuses a configuration or credentials',
      reason: 'with a password: test/sources/streams/redis/failures.test.ts',
    },
  ],
};
