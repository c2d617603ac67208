import { randomBytes } from 'node:crypto';
import { type Channel, type ChannelModel, type ConfirmChannel, connect, type Options } from 'amqplib';

export const RABBITMQ_PORT = 5672;
export const RABBITMQ_URL = 'amqp://guest:guest@127.0.0.1:5672';

export async function isRabbitmqThere(): Promise<boolean> {
  try {
    await (await connect(RABBITMQ_URL, { timeout: 2_000 })).close();
    return true;
  } catch {
    return false;
  }
}

/** A connection, and queues and exchanges that are gone when it is closed. */
export class Rabbit {
  readonly channel: Channel;
  readonly #connection: ChannelModel;
  readonly #prefix = `headwater-test-${randomBytes(6).toString('hex')}`;
  readonly #queues = new Set<string>();

  private constructor(connection: ChannelModel, channel: Channel) {
    this.#connection = connection;
    this.channel = channel;
  }

  static async open(): Promise<Rabbit> {
    const connection = await connect(RABBITMQ_URL);
    connection.on('error', () => {});
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    return new Rabbit(connection, channel);
  }

  name(what: string): string {
    const name = `${this.#prefix}-${what}`;
    this.#queues.add(name);
    return name;
  }

  /** A quorum queue unless the arguments say otherwise. */
  async queue(what: string, given: Record<string, unknown> = {}): Promise<string> {
    const name = this.name(what);
    await this.channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'quorum', ...given } });
    return name;
  }

  confirming(): Promise<ConfirmChannel> {
    return this.#connection.createConfirmChannel();
  }

  async send(queue: string, values: readonly unknown[], options: Options.Publish = {}): Promise<void> {
    const confirming = await this.confirming();
    for (const value of values) {
      const body = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
      confirming.sendToQueue(queue, body, { persistent: true, ...options });
    }
    await confirming.waitForConfirms();
    await confirming.close();
  }

  /** Messages that wait for somebody, and those of a stream. */
  async ready(queue: string): Promise<number> {
    return (await this.channel.checkQueue(queue)).messageCount;
  }

  async close(): Promise<void> {
    const channel = await this.#connection.createChannel();
    channel.on('error', () => {});
    for (const queue of this.#queues) await channel.deleteQueue(queue).catch(() => {});
    await this.#connection.close();
  }
}

export async function withRabbit(body: (rabbit: Rabbit) => Promise<void>): Promise<void> {
  const rabbit = await Rabbit.open();
  try {
    await body(rabbit);
  } finally {
    await rabbit.close();
  }
}

/** The frame with which a broker closes the first channel: `channel.close`. */
export function channelClose(code: number, text: string): Buffer {
  return closing(1, 20, 40, code, text);
}

/** In the place of a broker: the handshake begins, and then nothing is allowed. */
export function refuseEverything(sent: Buffer): Buffer {
  if (sent.subarray(0, 4).toString('latin1') !== 'AMQP') {
    return closing(0, 10, 50, 403, 'ACCESS_REFUSED - access to the virtual host was taken away');
  }
  const start = Buffer.concat([
    Buffer.from([0, 10, 0, 10, 0, 9, 0, 0, 0, 0]),
    longText('PLAIN AMQPLAIN'),
    longText('en_US'),
  ]);
  return frame(0, start);
}

function closing(channel: number, classId: number, method: number, code: number, text: string): Buffer {
  const reason = Buffer.from(text);
  const head = Buffer.from([0, classId, 0, method, code >> 8, code & 0xff, reason.length]);
  return frame(channel, Buffer.concat([head, reason, Buffer.alloc(4)]));
}

function frame(channel: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([1, 0, channel, 0, 0, 0, payload.length]), payload, Buffer.from([0xce])]);
}

function longText(text: string): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
}
