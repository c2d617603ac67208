import { setTimeout } from 'node:timers/promises';
import { type WebhookAddress, WebhookSource } from 'headwater/sources/webhook';
import type { SourceHarness, SourceWorld } from 'headwater/testing';
import { signHmac } from '../../../src/toolkit/signature.js';
import { RawClient, requestBytes } from '../../sources/webhook/raw-client.js';

const SECRET = 'planted-secret-of-the-webhook';
const FLOOD = 20_000;

interface Delivery {
  readonly id: string;
  readonly path: string;
  readonly body: string;
}

/** Sends to every source of its configuration that listens what that has not answered with 2xx yet, in order. */
class Sender implements SourceWorld {
  readonly credentials = { orders: SECRET, stock: SECRET };
  readonly config = {
    server: { port: 0 },
    endpoints: { orders: endpoint('webhook.received'), stock: endpoint('webhook.received') },
  };
  readonly events = 6;
  readonly #sources: WebhookSource[] = [];
  readonly #sentTo = new Map<WebhookSource, WebhookAddress | undefined>();
  readonly #clients = new Set<RawClient>();
  /** By source, as a host names it: another process goes on where one of the same name was stopped. */
  readonly #taken = new Map<string, Set<string>>();
  #deliveries: readonly Delivery[] = Array.from({ length: 6 }, (_, n) => ({
    id: `delivery-${n}`,
    path: n % 2 === 0 ? '/orders' : '/stock',
    body: JSON.stringify({ n, text: 'some text' }),
  }));
  sentBytes = 0;

  flood(): void {
    const body = JSON.stringify({ text: 'x'.repeat(500) });
    this.#deliveries = Array.from({ length: FLOOD }, (_, n) => ({ id: `flood-${n}`, path: '/orders', body }));
  }

  listensTo(source: WebhookSource): void {
    this.#sources.push(source);
  }

  async deliver(): Promise<void> {
    const source = await this.#listening();
    const [address] = source.addresses();
    this.#sentTo.set(source, address);
    const client = await RawClient.connect(address?.port ?? 0);
    this.#clients.add(client);
    const taken = this.#taken.get(source.id) ?? new Set();
    this.#taken.set(source.id, taken);
    const left = this.#deliveries.filter(({ id }) => !taken.has(id));
    this.sentBytes = left.reduce((bytes, { body }) => bytes + Buffer.byteLength(body), 0);
    for (const { id, path, body } of left) {
      const headers = [
        ['Content-Type', 'application/json'],
        ['X-Id', id],
        ['X-Signature', signHmac(SECRET, [body])],
      ] as const;
      client.write(requestBytes(path, body, headers));
    }
    left.forEach(({ id }, at) => {
      void client.answer(at + 1).then((answer) => {
        if (answer !== undefined && answer.status < 300) taken.add(id);
      });
    });
  }

  /** What the listening end has not closed. */
  get connections(): number {
    return [...this.#clients].filter(({ isClosed }) => !isClosed).length;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
  }

  /** A source that has just begun to listen. */
  async #listening(): Promise<WebhookSource> {
    for (;;) {
      const found = this.#sources.find((source) => {
        const [address] = source.addresses();
        return address !== undefined && address !== this.#sentTo.get(source);
      });
      if (found !== undefined) return found;
      await setTimeout(5);
    }
  }
}

function endpoint(type: string) {
  return {
    provider: 'generic',
    auth: { scheme: 'hmac', header: 'x-signature' },
    id: { header: 'x-id' },
    type,
  } as const;
}

/** By their configuration, which each world has its own of. */
const senders = new WeakMap<object, Sender>();

function openSender(): Sender {
  const sender = new Sender();
  senders.set(sender.config, sender);
  return sender;
}

/** As the class; a world gets to know the sources that are made for it. */
const source = {
  definition: WebhookSource.definition,
  async create(options: Parameters<typeof WebhookSource.create>[0]): Promise<WebhookSource> {
    const made = await WebhookSource.create(options);
    senders.get(options.config)?.listensTo(made);
    return made;
  },
};

const RECEIVES = 'the source asks for nothing; what fails while it receives: test/sources/webhook';

export const harness: SourceHarness<Sender> = {
  source,
  open: async () => openSender(),
  deliver: (sender) => sender.deliver(),
  connections: (sender) => sender.connections,
  flood: async (sender) => sender.flood(),
  taken: ({ sentBytes }, source) => (sentBytes === 0 ? 0 : source.getStats().bytes / sentBytes),
  secrets: [SECRET],
  skip: [
    { case: 'an abort ends a request that is never answered', reason: RECEIVES },
    { case: 'an abort ends a back-off', reason: RECEIVES },
    { case: 'what another process reads is the same to the letter', reason: 'ids are those of the sender' },
    { case: 'a failure that passes costs no event, at whatever request', reason: RECEIVES },
    {
      case: 'a failure that does not pass ends the run with a FatalError, and is not tried again and again',
      reason: RECEIVES,
    },
    { case: 'validate() refuses what cannot be read, and says why', reason: RECEIVES },
    { case: 'an abort ends validate()', reason: RECEIVES },
    {
      case: 'no secret is in an error, its causes, or what is logged and told when upstream fails',
      reason: RECEIVES,
    },
  ],
};
