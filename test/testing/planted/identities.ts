import type { Planted } from './planted.js';
import { type Context, cursorOf, type OrderBatch, type OrderEvent, Orders, toFields } from './right.js';
import type { Order, Position } from './shop.js';

class RandomIds extends Orders {
  protected override toEvent(order: Order): OrderEvent {
    return this.event({ ...toFields(order), id: crypto.randomUUID() });
  }
}

class IdsByPlace extends Orders {
  #count = 0;

  protected override async *batches(context: Context): AsyncGenerator<OrderBatch, void, undefined> {
    this.#count = 0;
    yield* super.batches(context);
  }

  protected override toEvent(order: Order): OrderEvent {
    this.#count += 1;
    return this.event({ ...toFields(order), id: `order-${this.#count}` });
  }
}

class IdsByProcess extends Orders {
  protected override toEvent(order: Order): OrderEvent {
    return this.event({ ...toFields(order), id: `${process.pid}-${order.number}` });
  }
}

class TimeOfReceipt extends Orders {
  protected override toEvent(order: Order): OrderEvent {
    return this.event({ ...toFields(order), time: new Date(Date.UTC(2026) + performance.now()).toISOString() });
  }
}

/** Asks for each page from the last one it has had on, and forgets that it has had it. */
class Overlapping extends Orders {
  protected override async page(after: Position | undefined, context: Context): Promise<Order[]> {
    const page = await super.page(after, context);
    const last = this.shop.orders.find(({ number }) => number === after?.number);
    return page.length > 0 && last !== undefined && after !== context.cursor ? [last, ...page] : page;
  }
}

class DropsShortPages extends Orders {
  protected override async page(after: Position | undefined, context: Context): Promise<Order[]> {
    const page = await super.page(after, context);
    return page.length < this.config.pageSize ? [] : page;
  }
}

class SameEvent extends Orders {
  readonly #event: { -readonly [Key in keyof OrderEvent]: OrderEvent[Key] } = {} as OrderEvent;

  protected override batch(page: readonly Order[]): OrderBatch {
    const [order] = page;
    const event = Object.assign(this.#event, this.toEvent(order as Order));
    return { events: [event], cursor: cursorOf(order) };
  }
}

class WrongTime extends Orders {
  protected override toEvent(order: Order): OrderEvent {
    return this.event({ ...toFields(order), time: new Date(order.at).toUTCString() });
  }
}

class DateInData extends Orders {
  protected override toEvent(order: Order): OrderEvent {
    const { data, ...fields } = toFields(order);
    return this.event({ ...fields, data: { ...data, at: new Date(order.at) } as OrderEvent['data'] });
  }
}

class UnnamedType extends Orders {
  protected override toEvent(order: Order): OrderEvent {
    return this.event({ ...toFields(order), type: 'order.refunded' as 'order.paid' });
  }
}

class AnotherName extends Orders {
  protected override toEvent(order: Order): OrderEvent {
    return { ...this.event(toFields(order)), sourceid: 'orders' };
  }
}

/** One position for all sources of the class. */
class SharedPosition extends Orders {
  static after: Position | undefined;

  protected override async *batches(context: Context): AsyncGenerator<OrderBatch, void, undefined> {
    SharedPosition.after = context.cursor;
    for (;;) {
      const page = await this.page(SharedPosition.after, context);
      if (page.length > 0) {
        SharedPosition.after = cursorOf(page.at(-1));
        yield this.batch(page);
      } else if (context.follow) await this.wait(context);
      else return;
    }
  }
}

export const identities: readonly Planted[] = [
  {
    mistake: 'makes random ids',
    source: RandomIds,
    fails: {
      'what is read again is the same to the letter': /has another id the second time/s,
    },
  },
  {
    mistake: 'makes ids of the place in the run',
    source: IdsByPlace,
    fails: {
      'a process that was stopped after any batch is followed by one that goes on exactly there':
        /order-10 .* is missing/s,
    },
  },
  {
    mistake: 'makes ids that hold the process',
    source: IdsByProcess,
    fails: {
      'what another process reads is the same to the letter': /has another id the second time/s,
    },
  },
  {
    mistake: 'tells the time of receipt for the time of the event',
    source: TimeOfReceipt,
    fails: {
      'what is read again is the same to the letter': /is another the second time/s,
    },
  },
  {
    mistake: 'brings the last of a page again with the next',
    source: Overlapping,
    fails: {
      'a run brings every event, each once': /order-3 .* came twice/s,
    },
  },
  {
    mistake: 'takes a page that is not full for an empty one',
    source: DropsShortPages,
    fails: {
      'a run brings every event, each once': /a run brings 9 events of 10/s,
    },
  },
  {
    mistake: 'hands out one event object again and again',
    source: SameEvent,
    fails: {
      'an event is not changed after it was handed out': /was changed after it was handed out/s,
    },
  },
  {
    mistake: 'writes times as HTTP does',
    source: WrongTime,
    fails: {
      'every event is a CloudEvent 1.0 to the official package': /order-1 .* is not a CloudEvent/s,
    },
  },
  {
    mistake: 'has a Date in its data',
    source: DateInData,
    fails: {
      'events survive JSON, are of types that the definition names, and say which source made them':
        /does not survive JSON/s,
    },
  },
  {
    mistake: 'emits a type that its definition does not name',
    source: UnnamedType,
    fails: {
      'events survive JSON, are of types that the definition names, and say which source made them':
        /does not name the type order.refunded/s,
    },
  },
  {
    mistake: 'speaks in the name of another source',
    source: AnotherName,
    fails: {
      'events survive JSON, are of types that the definition names, and say which source made them':
        /says that another source made it/s,
      'two sources of the class do not touch each other': /speaks in the name of the first/s,
    },
  },
  {
    mistake: 'has one position for all sources of its class',
    source: SharedPosition,
    fails: {
      'two sources of the class do not touch each other': /is missing/s,
    },
  },
];
