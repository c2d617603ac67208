import { setImmediate } from 'node:timers/promises';
import type { SourceWorld } from 'headwater/testing';

export interface Order {
  readonly number: number;
  /** Several orders have the same. */
  readonly at: string;
  readonly text: string;
}

export interface Position {
  readonly at: string;
  readonly number: number;
}

export const TOKEN = 'shop-token-9f2c77';

/** As the packages of vendors make them: with everything that was sent. */
export class ShopError extends Error {
  readonly request = { headers: { authorization: `Bearer ${TOKEN}` } };

  constructor(readonly status: number) {
    super(`${status} GET https://shop.example/orders?token=${TOKEN}`);
  }
}

interface Fault {
  readonly kind: 'transient' | 'permanent';
  readonly at: number;
}

type Listener = (order: Order) => Promise<void>;

/**
 * An upstream that keeps state and fails on demand. The same orders can be had in three ways: asked for page by page,
 * taken from a queue, or sent to whoever listens.
 */
export class Shop implements SourceWorld {
  static readonly #shops = new Map<string, Shop>();
  readonly name: string;
  readonly config: { readonly shop: string };
  readonly credentials = { token: TOKEN };
  readonly events = 10;
  readonly orders: Order[] = [];
  requests = 0;
  connections = 0;
  /** The numbers of the orders that were handed out. */
  readonly handed = new Set<number>();
  /** Orders that wait in the queue, or are to be sent. */
  readonly queue: Order[] = [];
  #fault: Fault | undefined;
  #isHanging = false;
  #listeners: Listener[] = [];

  constructor(name: string = crypto.randomUUID()) {
    this.name = name;
    this.config = { shop: name };
    for (let count = 0; count < this.events; count += 1) this.place();
    Shop.#shops.set(name, this);
  }

  static at(name: string): Shop {
    const shop = Shop.#shops.get(name);
    if (shop === undefined) throw new Error(`there is no shop "${name}"`);
    return shop;
  }

  async close(): Promise<void> {
    Shop.#shops.delete(this.name);
  }

  place(): void {
    const number = this.orders.length + 1;
    const at = new Date(Date.UTC(2026, 0, 1) + Math.floor(number / 4) * 1_000).toISOString();
    const order = { number, at, text: `order ${number}` };
    this.orders.push(order);
    this.queue.push(order);
  }

  fail(kind: Fault['kind'], after: number): void {
    this.#fault = { kind, at: this.requests + after + 1 };
  }

  hang(): void {
    this.#isHanging = true;
  }

  /** Counts as open until it is closed. */
  connect(): { close(): void } {
    let isOpen = true;
    this.connections += 1;
    return {
      close: () => {
        if (isOpen) this.connections -= 1;
        isOpen = false;
      },
    };
  }

  /** The orders after a position, by time and number, or from it on. */
  async page(
    after: Position | undefined,
    { limit, token, signal, from = false }: { limit: number; token: string; signal?: AbortSignal; from?: boolean },
  ): Promise<Order[]> {
    await this.#request(token, signal);
    const rest = this.orders.filter((order) => compare(order, after) > 0 || (from && compare(order, after) === 0));
    return this.#hand(rest.slice(0, limit));
  }

  /** Takes so many from the queue; they are gone once they are acknowledged, and come again when the consumer goes. */
  async take(taken: ReadonlySet<number>, limit: number, token: string, signal?: AbortSignal): Promise<Order[]> {
    await this.#request(token, signal);
    return this.#hand(this.queue.filter(({ number }) => !taken.has(number)).slice(0, limit));
  }

  acknowledge(orders: readonly Order[]): void {
    for (const order of orders) {
      const at = this.queue.findIndex(({ number }) => number === order.number);
      if (at >= 0) this.queue.splice(at, 1);
    }
  }

  listen(listener: Listener): () => void {
    this.#listeners.push(listener);
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  /** Sends what was not acknowledged to everybody who listens. */
  async deliver(): Promise<void> {
    await setImmediate();
    for (const listener of this.#listeners) {
      for (const order of [...this.queue]) {
        this.#hand([order]);
        listener(order).then(
          () => this.acknowledge([order]),
          () => {},
        );
      }
    }
  }

  async #request(token: string, signal: AbortSignal | undefined): Promise<void> {
    this.requests += 1;
    const number = this.requests;
    await setImmediate();
    signal?.throwIfAborted();
    if (this.#isHanging) await untilAborted(signal);
    if (token !== TOKEN) throw new ShopError(401);
    if (this.#fault === undefined || number < this.#fault.at) return;
    if (this.#fault.kind === 'permanent') throw new ShopError(401);
    if (number === this.#fault.at) throw new ShopError(503);
  }

  #hand(orders: Order[]): Order[] {
    for (const { number } of orders) this.handed.add(number);
    return orders;
  }
}

function compare(order: Order, after: Position | undefined): number {
  if (after === undefined) return 1;
  if (order.at !== after.at) return order.at > after.at ? 1 : -1;
  return Math.sign(order.number - after.number);
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
