import { RabbitmqSource } from 'headwater/sources/streams/rabbitmq';
import type { SourceHarness, SourceWorld } from 'headwater/testing';
import { Gate } from '../../services/gate.js';
import { RABBITMQ_PORT, Rabbit, refuseEverything } from '../../services/rabbitmq.js';

const FLOOD = 30_000;
const FLOOD_TEXT = 'x'.repeat(100);

/** A queue and its messages, one of them with a body that is none. */
class Messages implements SourceWorld {
  readonly events = 7;
  readonly config: unknown;
  readonly gate: Gate;
  readonly #rabbit: Rabbit;
  readonly #queue: string;
  #sent = 0;

  static async open(): Promise<Messages> {
    const rabbit = await Rabbit.open();
    const world = new Messages(rabbit, await Gate.to(RABBITMQ_PORT, refuseEverything), await rabbit.queue('q'));
    for (let n = 0; n < 6; n += 1) await world.send({ n });
    await world.send(Buffer.from('no json'));
    return world;
  }

  private constructor(rabbit: Rabbit, gate: Gate, queue: string) {
    this.#rabbit = rabbit;
    this.#queue = queue;
    this.gate = gate;
    const url = `amqp://127.0.0.1:${gate.port}`;
    this.config = { mode: 'queue', url, queue, prefetch: 100, idleMs: 100, reconnect: { minDelayMs: 20 } };
  }

  async send(value: unknown): Promise<void> {
    this.#sent += 1;
    await this.#rabbit.send(this.#queue, [value], { messageId: `m-${this.#sent}` });
  }

  flood(): Promise<void> {
    return this.#rabbit.send(
      this.#queue,
      Array.from({ length: FLOOD }, () => FLOOD_TEXT),
    );
  }

  get taken(): number {
    return this.gate.bytes / (FLOOD * FLOOD_TEXT.length);
  }

  async close(): Promise<void> {
    await this.gate.close();
    await this.#rabbit.close();
  }
}

const SECRETS =
  'the password is what the broker is asked with: test/sources/streams/rabbitmq/stream-and-failures.test.ts';

export const harness: SourceHarness<Messages> = {
  source: RabbitmqSource,
  open: () => Messages.open(),
  more: (messages) => messages.send({ n: 'more' }),
  requests: ({ gate }) => gate.requests,
  fail: ({ gate }, kind, after) => (kind === 'transient' ? gate.cut(after) : gate.refuse(after)),
  hang: ({ gate }) => gate.hang(),
  connections: ({ gate }) => gate.connections,
  flood: (messages) => messages.flood(),
  taken: (messages) => messages.taken,
  patienceMs: 30_000,
  skip: [
    {
      case: 'credentials that are not there are refused, each of them',
      reason: 'RabbitMQ lets `guest` in from the same machine',
    },
    { case: 'no secret is in an event, a cursor, a log line or what a source prints as', reason: SECRETS },
    {
      case: 'no secret is in an error, its causes, or what is logged and told when upstream fails',
      reason: SECRETS,
    },
    { case: 'no secret is in the error that refuses a configuration or credentials', reason: SECRETS },
  ],
};
