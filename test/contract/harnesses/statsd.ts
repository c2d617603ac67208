import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { StatsdSource } from 'headwater/sources/metrics/statsd';
import type { SourceHarness, SourceWorld } from 'headwater/testing';
import { freePort } from '../../services/daemon.js';

const FLOOD = 200_000;
const LINE = `flood:1|c|#${'x'.repeat(80)}\n`;

/** A sender that connects as soon as somebody listens, and sends what it has. */
class Sender implements SourceWorld {
  readonly config: unknown;
  readonly events = 7;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #text = 'a:1|c\nb:2|g\nc:3:4|ms\nd:x|s\n_e{1,1}:t|x\nwhat is this?\n';
  sentBytes = 0;

  static async start(): Promise<Sender> {
    return new Sender(await freePort());
  }

  private constructor(port: number) {
    this.#port = port;
    this.config = { listen: [{ transport: 'tcp', port }], emit: 'samples', queueEvents: 1_000 };
  }

  flood(): void {
    this.#text = LINE.repeat(FLOOD);
  }

  async deliver(): Promise<void> {
    const socket = await this.#connect();
    this.#sockets.add(socket);
    this.sentBytes = Buffer.byteLength(this.#text);
    socket.write(this.#text);
  }

  /** What the listening end has not closed. */
  get connections(): number {
    return [...this.#sockets].filter(({ closed }) => !closed).length;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #connect(): Promise<Socket> {
    for (;;) {
      const socket = connect(this.#port, '127.0.0.1');
      const isThere = await new Promise<boolean>((resolve) => {
        socket.on('connect', () => resolve(true));
        socket.on('error', () => resolve(false));
      });
      socket.resume();
      if (isThere) return socket;
      await setTimeout(5);
    }
  }
}

const NO_SECRETS = 'the protocol has no credentials';
const RECEIVES =
  'the source asks for nothing; listening and connections that fail: test/sources/metrics/statsd/receive.test.ts';

export const harness: SourceHarness<Sender> = {
  source: StatsdSource,
  open: () => Sender.start(),
  deliver: (sender) => sender.deliver(),
  connections: (sender) => sender.connections,
  flood: async (sender) => sender.flood(),
  taken: ({ sentBytes }, source) => (sentBytes === 0 ? 0 : source.getStats().bytes / sentBytes),
  skip: [
    { case: 'an abort ends a request that is never answered', reason: RECEIVES },
    { case: 'an abort ends a back-off', reason: RECEIVES },
    { case: 'a failure that passes costs no event, at whatever request', reason: RECEIVES },
    {
      case: 'a failure that does not pass ends the run with a FatalError, and is not tried again and again',
      reason: RECEIVES,
    },
    { case: 'validate() refuses what cannot be read, and says why', reason: RECEIVES },
    { case: 'an abort ends validate()', reason: RECEIVES },
    { case: 'no secret is in an event, a cursor, a log line or what a source prints as', reason: NO_SECRETS },
    {
      case: 'no secret is in an error, its causes, or what is logged and told when upstream fails',
      reason: NO_SECRETS,
    },
    { case: 'no secret is in the error that refuses a configuration or credentials', reason: NO_SECRETS },
  ],
};
