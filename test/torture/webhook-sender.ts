import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { freePort } from '../services/daemon.js';
import type { Sender, Sent } from './sent-while-read.js';

const CLIENTS = 4;
const SECRET = 'the secret of the torture';
const PADDING = 'x'.repeat(2_000);
/** Longer than the source takes to say 503. */
const PATIENCE_MS = 15_000;

export interface WebhookAccess {
  readonly port: number;
  readonly secret: string;
}

/**
 * Clients that send signed deliveries to one port, whoever listens there, each the next when the one before was
 * accepted. What is not answered with a 2xx is sent again, under the same id, until it is.
 */
export class WebhookSender implements Sender {
  readonly access: WebhookAccess;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CLIENTS * 2 });
  readonly #begun = new Set<string>();
  readonly #accepted = new Set<string>();
  #retries = 0;
  #isOver = false;
  #isClosed = false;
  #clients: readonly Promise<void>[] = [];

  readonly #pauseMs: number;

  private constructor(port: number, pauseMs: number) {
    this.access = { port, secret: SECRET };
    this.#pauseMs = pauseMs;
  }

  /** `pauseMs`: after each delivery. */
  static async start(pauseMs = 0): Promise<WebhookSender> {
    return new WebhookSender(await freePort(), pauseMs);
  }

  get sent(): Sent {
    return { begun: this.#begun, accepted: this.#accepted, retries: this.#retries };
  }

  begin(): void {
    this.#clients = Array.from({ length: CLIENTS }, (_, client) => this.#run(client));
  }

  /** Some that were accepted are sent once more, as senders do whose answer was lost. */
  async disturb(): Promise<void> {
    await Promise.all([...this.#accepted].slice(-3).map((id) => this.#send(id)));
  }

  /** No new ones are begun. Those under way need somebody who listens: see `settled`. */
  rest(): void {
    this.#isOver = true;
  }

  /** Resolves when every delivery that was begun is accepted. */
  async settled(): Promise<void> {
    await Promise.all(this.#clients);
  }

  async close(): Promise<void> {
    this.rest();
    this.#isClosed = true;
    this.#agent.destroy();
  }

  async #run(client: number): Promise<void> {
    for (let number = 0; !this.#isOver; number += 1) {
      const id = `${client}-${number}`;
      this.#begun.add(id);
      while (!(await this.#send(id))) {
        if (this.#isClosed) return;
        this.#retries += 1;
        await setTimeout(15);
      }
      this.#accepted.add(id);
      if (this.#pauseMs > 0) await setTimeout(this.#pauseMs);
    }
  }

  /** Whether it was answered with a 2xx. */
  #send(id: string): Promise<boolean> {
    const body = JSON.stringify({ id, padding: PADDING });
    const signature = createHmac('sha256', SECRET).update(body).digest('hex');
    const headers = { 'content-type': 'application/json', 'x-delivery': id, 'x-signature': signature };
    const options = { port: this.access.port, path: '/load', method: 'POST', agent: this.#agent, timeout: PATIENCE_MS };
    return new Promise((resolve) => {
      const sending = request({ ...options, headers }, (response) => {
        response.resume();
        response.on('error', () => resolve(false));
        const status = response.statusCode ?? 0;
        response.on('end', () => resolve(status >= 200 && status < 300));
        response.on('close', () => resolve(false));
      });
      sending.on('timeout', () => sending.destroy());
      sending.on('error', () => resolve(false));
      sending.end(body);
    });
  }
}
