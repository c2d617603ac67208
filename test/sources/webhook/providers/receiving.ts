import type { SourceEvent } from 'headwater';
import { WebhookSource } from 'headwater/sources/webhook';
import type { WebhookEndpointInput } from '../../../../src/sources/webhook/config.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly method?: string;
  /** Behind the path. */
  readonly query?: string;
}

/** A source with one endpoint, its own server, and a consumer that keeps what it takes. */
export class Receiving {
  readonly events: SourceEvent[] = [];
  readonly #source: WebhookSource;
  readonly #running: Promise<void>;
  #onEvent: (() => void)[] = [];

  static async start(endpoint: WebhookEndpointInput, secrets: readonly string[]): Promise<Receiving> {
    const source = await WebhookSource.create({
      id: 'hooks',
      onGap: 'emit',
      credentials: { here: [...secrets] },
      config: { server: { port: 0 }, endpoints: { here: endpoint } },
    });
    await source.listen();
    return new Receiving(source);
  }

  private constructor(source: WebhookSource) {
    this.#source = source;
    this.#running = this.#consume();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#source.addresses()[0]?.port}/here`;
  }

  /** That came in so far. */
  get requests(): number {
    return this.#source.getStats().requests;
  }

  async send({ query = '', ...init }: Sent): Promise<Answer> {
    const response = await fetch(this.url + query, { method: 'POST', ...init });
    return { status: response.status, headers: response.headers, body: await response.text() };
  }

  /** Resolves when it holds for what was taken. */
  async until(holds: (events: readonly SourceEvent[]) => boolean): Promise<void> {
    while (!holds(this.events)) await new Promise<void>((resolve) => this.#onEvent.push(resolve));
  }

  async stop(): Promise<void> {
    await this.#source.close();
    await this.#running;
  }

  async #consume(): Promise<void> {
    for await (const event of this.#source.generateEvents()) {
      this.events.push(event);
      for (const tell of this.#onEvent.splice(0)) tell();
    }
  }
}
