import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Delivery, WebhookProvider } from '../../../../src/sources/webhook/provider.js';
import { request } from './request.js';

/** A provider behind a bare HTTP server: what it believes is kept, and answered as told. */
export class Bridge {
  readonly deliveries: Delivery[] = [];
  readonly refusals: string[] = [];
  /** The status of the next answers to what is believed; 202 when there are no more. What is not 2xx is not kept. */
  readonly answers: number[] = [];
  readonly #provider: WebhookProvider;
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();

  static async start(provider: WebhookProvider): Promise<Bridge> {
    const bridge = new Bridge(provider);
    bridge.#server.listen(0, '127.0.0.1');
    await once(bridge.#server, 'listening');
    return bridge;
  }

  private constructor(provider: WebhookProvider) {
    this.#provider = provider;
    this.#server = createServer((incoming, response) => {
      void this.#take(incoming).then((status) => {
        response.writeHead(status).end();
        for (const look of this.#waiting) look();
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}/hook`;
  }

  get events() {
    return this.deliveries.flatMap(({ events }) => events);
  }

  /** Resolves when it holds, which is looked at after each request. */
  async until(holds: () => boolean): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #take(incoming: IncomingMessage): Promise<number> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const headers = incoming.headers as Record<string, string>;
    const fields = { headers, url: incoming.url ?? '', body: Buffer.concat(chunks), receivedAt: Date.now() };
    const refusal = await this.#provider.verify(request(fields));
    if (refusal !== undefined) {
      this.refusals.push(refusal.reason);
      return refusal.status ?? 401;
    }
    const status = this.answers.shift() ?? 202;
    if (status < 300) this.deliveries.push(await this.#provider.read(request(fields)));
    return status;
  }
}
