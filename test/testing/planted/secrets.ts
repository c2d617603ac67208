import { ConnectionError } from 'headwater';
import type { Planted } from './planted.js';
import { type Context, type Options, type OrderBatch, Orders } from './right.js';
import { type Order, type Position, ShopError } from './shop.js';

class TellsInMessage extends Orders {
  protected override async ask(after: Position | undefined, signal: AbortSignal): Promise<Order[]> {
    try {
      return await super.ask(after, signal);
    } catch (error) {
      throw new ConnectionError(`asked with ${this.token.reveal()}: ${(error as Error).message}`);
    }
  }
}

class TellsInCause extends Orders {
  protected override async ask(after: Position | undefined, signal: AbortSignal): Promise<Order[]> {
    try {
      return await super.ask(after, signal);
    } catch (error) {
      const vendor = new ShopError(401);
      throw error instanceof Error ? Object.defineProperty(error, 'cause', { value: vendor }) : error;
    }
  }
}

class TellsInLog extends Orders {
  protected override page(after: Position | undefined, context: Context): Promise<Order[]> {
    this.logger.debug({ headers: { authorization: this.token.reveal() } }, 'asking');
    return super.page(after, context);
  }
}

class TellsInCursor extends Orders {
  protected override batch(page: readonly Order[]): OrderBatch {
    const cursorAt = super.batch(page).cursorAt as (count: number) => Position;
    const url = `https://shop.example/?token=${this.token.reveal()}`;
    return { events: super.batch(page).events, cursorAt: (count) => ({ ...cursorAt(count), url }) };
  }
}

class TellsWhenPrinted extends Orders {
  protected readonly headers = { authorization: this.token.reveal() };
}

class TellsWhatItRefuses extends Orders {
  static override async create(options: Options): Promise<Orders> {
    const { token } = (options.credentials ?? {}) as { token?: unknown };
    const source = super.create(options);
    return source.catch((error: Error) => {
      if (typeof token === 'string') throw error;
      throw Object.assign(error, { message: `${error.message} in ${JSON.stringify(options)}` });
    });
  }
}

export const secrets: readonly Planted[] = [
  {
    mistake: 'tells the secret in a message',
    source: TellsInMessage,
    fails: {
      'no secret is in an error, its causes, or what is logged and told when upstream fails': /a secret in an error/s,
    },
  },
  {
    mistake: 'tells the secret in a cause',
    source: TellsInCause,
    fails: {
      'no secret is in an error, its causes, or what is logged and told when upstream fails': /a secret in an error/s,
    },
  },
  {
    mistake: 'tells the secret in a log line',
    source: TellsInLog,
    fails: {
      'no secret is in an event, a cursor, a log line or what a source prints as': /a secret in a log line/s,
    },
  },
  {
    mistake: 'tells the secret in its cursor',
    source: TellsInCursor,
    fails: {
      'no secret is in an event, a cursor, a log line or what a source prints as': /a secret in a saved cursor/s,
    },
  },
  {
    mistake: 'tells the secret when it is printed',
    source: TellsWhenPrinted,
    fails: {
      'no secret is in an event, a cursor, a log line or what a source prints as': /a secret in the source as printed/s,
    },
  },
  {
    mistake: 'tells the secret that it refuses',
    source: TellsWhatItRefuses,
    fails: {
      'no secret is in the error that refuses a configuration or credentials': /a secret in the error of create/s,
    },
  },
];
