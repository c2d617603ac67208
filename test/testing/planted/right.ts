import {
  AuthenticationError,
  BatchEventSource,
  type Capabilities,
  ConnectionError,
  EventSource,
  PushEventSource,
  parseConfig,
  parseCredentials,
  type ReadContext,
  Secret,
  type SourceBatch,
  type SourceEvent,
  type SourceOptions,
  type ValidationResult,
} from 'headwater';
import { retry } from 'headwater/toolkit';
import { z } from 'zod';
import { type Order, type Position, Shop, ShopError } from './shop.js';

export type OrderEvent = SourceEvent<'order.placed' | 'order.paid', { number: number; text: string }>;
export type OrderBatch = SourceBatch<OrderEvent, Position>;
export type Context = ReadContext<Position>;

export const config = z.object({ shop: z.string(), pageSize: z.number().default(3) });
export const credentials = z.object({ token: z.string() });
export type Config = z.output<typeof config>;
export type Options = SourceOptions<z.input<typeof config>, z.input<typeof credentials>, Position>;

const capabilities: Capabilities = {
  kind: 'pull',
  delivery: 'at-least-once',
  position: 'cursor',
  ids: 'stable',
  deletes: false,
};
const events = { 'order.placed': { description: 'An order.' }, 'order.paid': { description: 'Another.' } };

/** What the right sources share; each wrong one is a right one with one mistake. */
async function parsed(options: Options): Promise<{ given: SourceOptions<Config, never, Position>; token: Secret }> {
  const { token } = await parseCredentials(credentials, options);
  const { credentials: _, ...rest } = options;
  return { given: { ...rest, config: await parseConfig(config, options) }, token: new Secret(token) };
}

export function cursorOf(order: Order | undefined): Position {
  if (order === undefined) throw new Error('there is no order');
  return { at: order.at, number: order.number };
}

export function toFields(order: Order) {
  const type = order.number % 2 === 0 ? ('order.paid' as const) : ('order.placed' as const);
  const data = { number: order.number, text: order.text };
  return { type, id: `order-${order.number}`, time: order.at, source: 'https://shop.example/orders', data };
}

export function failureOf(error: unknown): unknown {
  if (!(error instanceof ShopError)) return error;
  const message = `the shop answered ${error.status}`;
  return error.status === 401
    ? new AuthenticationError(message, { cause: error })
    : new ConnectionError(message, { cause: error });
}

export async function validateShop(name: string, token: string, signal?: AbortSignal): Promise<ValidationResult> {
  try {
    await Shop.at(name).page(undefined, { limit: 0, token, ...(signal && { signal }) });
    return { ok: true, problems: [] };
  } catch (error) {
    const { message } = failureOf(error) as Error;
    return { ok: false, problems: [{ severity: 'error', code: 'SHOP', message }] };
  }
}

/** Asks for pages, in batches that can be cut. */
export class Orders extends BatchEventSource<OrderEvent, Position, Config> {
  static readonly definition: object = { type: 'orders', config, credentials, capabilities, events };

  static async create(options: Options): Promise<Orders> {
    const { given, token } = await parsed(options);
    return new this(given, token);
  }

  readonly type = 'orders';
  protected readonly token: Secret;

  constructor(options: SourceOptions<Config, unknown, Position>, token: Secret) {
    super(options);
    this.token = token;
  }

  protected get shop(): Shop {
    return Shop.at(this.config.shop);
  }

  async validate({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<ValidationResult> {
    return validateShop(this.config.shop, this.token.reveal(), signal);
  }

  protected async *readBatches(context: Context): AsyncGenerator<OrderBatch, void, undefined> {
    const connection = this.shop.connect();
    try {
      yield* this.batches(context);
    } finally {
      connection.close();
    }
  }

  protected async *batches(context: Context): AsyncGenerator<OrderBatch, void, undefined> {
    let after = context.cursor;
    for (;;) {
      const page = await this.page(after, context);
      if (page.length > 0) {
        yield this.batch(page);
        after = cursorOf(page.at(-1));
      } else if (context.follow) {
        this.setStatus({ state: 'caught-up' });
        await this.wait(context);
      } else return;
    }
  }

  protected wait({ signal }: Context): Promise<void> {
    return this.clock.sleep(1_000, signal);
  }

  protected page(after: Position | undefined, { signal }: Context): Promise<Order[]> {
    return retry(() => this.ask(after, signal), { signal, clock: this.clock });
  }

  protected async ask(after: Position | undefined, signal: AbortSignal): Promise<Order[]> {
    try {
      return await this.shop.page(after, { limit: this.config.pageSize, token: this.token.reveal(), signal });
    } catch (error) {
      throw failureOf(error);
    }
  }

  protected batch(page: readonly Order[]): OrderBatch {
    const events = page.map((order) => this.toEvent(order));
    return { events, cursor: cursorOf(page.at(-1)), cursorAt: (count) => cursorOf(page[count - 1]) };
  }

  protected toEvent(order: Order): OrderEvent {
    return this.event(toFields(order));
  }
}

/** The same, one event after another. */
export class Ledger extends EventSource<OrderEvent, Position, Config> {
  static readonly definition: object = { type: 'ledger', config, credentials, capabilities, events };

  static async create(options: Options): Promise<Ledger> {
    const { given, token } = await parsed(options);
    return new this(given, token);
  }

  readonly type = 'ledger';
  protected readonly token: Secret;

  constructor(options: SourceOptions<Config, unknown, Position>, token: Secret) {
    super(options);
    this.token = token;
  }

  async validate({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<ValidationResult> {
    return validateShop(this.config.shop, this.token.reveal(), signal);
  }

  protected async *read({ cursor, signal, follow }: Context): AsyncGenerator<OrderEvent, void, undefined> {
    const shop = Shop.at(this.config.shop);
    for (let after = cursor; ; ) {
      const page = await this.#page(shop, after, signal);
      for (const order of page) yield this.event(toFields(order), cursorOf(order));
      if (page.length > 0) after = cursorOf(page.at(-1));
      else if (!follow) return;
      else await this.clock.sleep(1_000, signal);
    }
  }

  /** Leaves it to its host to try again. */
  async #page(shop: Shop, after: Position | undefined, signal: AbortSignal): Promise<Order[]> {
    try {
      return await shop.page(after, { limit: this.config.pageSize, token: this.token.reveal(), signal });
    } catch (error) {
      throw failureOf(error);
    }
  }
}

/** Keeps its position in its state: the numbers it has had, as delivery ids are kept. Its batches cannot be cut. */
export class Remembering extends Orders {
  static override readonly definition: object = {
    ...Orders.definition,
    type: 'remembering',
    capabilities: { ...capabilities, position: 'state' },
  };

  override readonly type = 'remembering' as 'orders';

  protected override async *batches(context: Context): AsyncGenerator<OrderBatch, void, undefined> {
    let after: Position | undefined;
    for (;;) {
      const page = await this.page(after, context);
      const fresh: Order[] = [];
      for (const order of page) if ((await context.state.get(`${order.number}`)) === undefined) fresh.push(order);
      if (page.length > 0) {
        after = cursorOf(page.at(-1));
        yield* this.remember(fresh, after, context);
      } else if (!context.follow) return;
      else {
        this.setStatus({ state: 'caught-up' });
        await this.wait(context);
      }
    }
  }

  protected async *remember(
    fresh: readonly Order[],
    cursor: Position,
    { state }: Context,
  ): AsyncGenerator<OrderBatch, void, undefined> {
    for (const order of fresh) state.set(`${order.number}`, true);
    if (fresh.length > 0) yield { events: fresh.map((order) => this.toEvent(order)), cursor };
  }
}

/** Takes from a queue that keeps the position itself. */
export class Queue extends Orders {
  static override readonly definition: object = {
    ...Orders.definition,
    type: 'queue',
    capabilities: { ...capabilities, position: 'upstream', window: 6 },
  };

  override readonly type = 'queue' as 'orders';

  protected override async *batches(context: Context): AsyncGenerator<OrderBatch, void, undefined> {
    const taken = new Set<number>();
    for (;;) {
      const orders = await this.takeMore(taken, context);
      for (const { number } of orders) taken.add(number);
      if (orders.length > 0) {
        yield this.delivery(orders);
      } else if (context.follow) {
        this.setStatus({ state: 'caught-up' });
        await this.wait(context);
      } else return;
    }
  }

  protected delivery(orders: readonly Order[]): OrderBatch {
    let settled = 0;
    return {
      events: orders.map((order) => this.toEvent(order)),
      settle: (acknowledged) => {
        this.shop.acknowledge(orders.slice(settled, acknowledged));
        settled = acknowledged;
      },
    };
  }

  protected takeMore(taken: ReadonlySet<number>, { signal, maxEvents }: Context): Promise<Order[]> {
    const limit = Math.min(this.config.pageSize, maxEvents);
    const take = async (): Promise<Order[]> => {
      try {
        return await this.shop.take(taken, limit, this.token.reveal(), signal);
      } catch (error) {
        throw failureOf(error);
      }
    };
    return retry(take, { signal, clock: this.clock });
  }
}

/** Is sent what happens, and answers when it was acknowledged. */
export class Hook extends PushEventSource<OrderEvent, Config> {
  static readonly definition: object = {
    type: 'hook',
    config,
    credentials,
    capabilities: { ...capabilities, kind: 'push', position: 'upstream' },
    events,
  };

  static async create(options: Options): Promise<Hook> {
    const { given, token } = await parsed(options);
    return new this(given, token);
  }

  readonly type = 'hook';
  readonly #stop: () => void;

  constructor(options: SourceOptions<Config, unknown, Position>, token: Secret) {
    super(options);
    this.#stop = Shop.at(this.config.shop).listen((order) => this.push(this.event(toFields(order)) as OrderEvent));
    void token;
  }

  async validate(): Promise<ValidationResult> {
    return { ok: true, problems: [] };
  }

  override async close(): Promise<void> {
    this.#stop();
    await super.close();
  }
}
