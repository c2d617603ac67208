import type { Planted } from './planted.js';
import { type Context, cursorOf, type OrderBatch, Orders, Remembering } from './right.js';
import type { Order, Position } from './shop.js';

/** The cursor of the last order of the page, wherever in the page it is asked for. */
class AheadByPage extends Orders {
  protected override batch(page: readonly Order[]): OrderBatch {
    return { ...super.batch(page), cursorAt: () => cursorOf(page.at(-1)) };
  }
}

class AheadByOne extends Orders {
  protected override batch(page: readonly Order[]): OrderBatch {
    return { ...super.batch(page), cursorAt: (count) => cursorOf(page[count] ?? page.at(-1)) };
  }
}

class BehindByPage extends Orders {
  protected override batch(page: readonly Order[]): OrderBatch {
    return { events: super.batch(page).events, cursor: cursorOf(page[0]) };
  }
}

class NoCursor extends Orders {
  protected override batch(page: readonly Order[]): OrderBatch {
    return { events: super.batch(page).events };
  }
}

/** "Later than" where several orders have the same time. */
class GreaterThan extends Orders {
  protected override batch(page: readonly Order[]): OrderBatch {
    const onlyTime = (order: Order | undefined): Position => ({ ...cursorOf(order), number: Number.MAX_SAFE_INTEGER });
    return { events: super.batch(page).events, cursorAt: (count) => onlyTime(page[count - 1]) };
  }
}

/** "Not earlier than", without leaving out what was there before. */
class GreaterOrEqual extends Orders {
  protected override async ask(after: Position | undefined, signal: AbortSignal): Promise<Order[]> {
    const options = { limit: this.config.pageSize, token: this.token.reveal(), signal };
    return this.isFirst(after) ? this.shop.page(after, { ...options, from: true }) : super.ask(after, signal);
  }

  #seen: Position | undefined;
  private isFirst(after: Position | undefined): boolean {
    const isFirst = after !== undefined && this.#seen === undefined;
    this.#seen = after ?? { at: '', number: 0 };
    return isFirst;
  }
}

/** One object, changed again and again. */
class SameCursor extends Orders {
  protected override async *batches(context: Context): AsyncGenerator<OrderBatch, void, undefined> {
    const cursor: { -readonly [Key in keyof Position]: Position[Key] } = context.cursor ?? { at: '', number: 0 };
    for (;;) {
      const page = await this.page(cursor, context);
      if (page.length > 0) {
        Object.assign(cursor, cursorOf(page.at(-1)));
        yield { events: this.batch(page).events, cursor };
      } else if (context.follow) await this.wait(context);
      else return;
    }
  }
}

class DateInCursor extends Orders {
  protected override batch(page: readonly Order[]): OrderBatch {
    const dated = (order: Order | undefined): Position => {
      const cursor = cursorOf(order);
      return { ...cursor, read: new Date(cursor.at) } as Position;
    };
    return { events: super.batch(page).events, cursorAt: (count) => dated(page[count - 1]) };
  }
}

class PositionInInstance extends Orders {
  #after: Position | undefined;

  protected override page(after: Position | undefined, context: Context): Promise<Order[]> {
    this.#after = after === context.cursor ? (this.#after ?? after) : after;
    return super.page(this.#after, context);
  }
}

/** Keeps the ETag as soon as it has the page, and takes "not modified" for "nothing new". */
class ValidatorTooEarly extends Orders {
  readonly #etags = new Set<string>();

  protected override async page(after: Position | undefined, context: Context): Promise<Order[]> {
    const page = await super.page(after, context);
    const etag = page.map(({ number }) => number).join();
    if (this.#etags.has(etag)) return [];
    this.#etags.add(etag);
    return page;
  }
}

/** Leaves out what it has had before, acknowledged or not. */
class SeenInMemory extends Orders {
  readonly #seen = new Set<number>();

  protected override batch(page: readonly Order[]): OrderBatch {
    const fresh = page.filter(({ number }) => !this.#seen.has(number));
    for (const { number } of fresh) this.#seen.add(number);
    return { events: fresh.map((order) => this.toEvent(order)), cursor: cursorOf(page.at(-1)) };
  }
}

/** Takes the cursor for the next one, not for the last. */
class PassesOverOne extends Orders {
  protected override async *batches(context: Context): AsyncGenerator<OrderBatch, void, undefined> {
    const after = context.cursor ?? { at: '', number: 0 };
    const missed = context.cursor === undefined ? 0 : 1;
    const skipped = await this.page(after, context);
    yield* super.batches({ ...context, cursor: missed === 0 ? undefined : cursorOf(skipped[0] ?? (after as Order)) });
  }
}

class StateAfterYield extends Remembering {
  protected override async *remember(
    fresh: readonly Order[],
    cursor: Position,
    { state }: Context,
  ): AsyncGenerator<OrderBatch, void, undefined> {
    if (fresh.length > 0) yield { events: fresh.map((order) => this.toEvent(order)), cursor };
    for (const order of fresh) state.set(`${order.number}`, true);
  }
}

export const positions: readonly Planted[] = [
  {
    mistake: 'tells the end of the page for the position of each of its events',
    source: AheadByPage,
    fails: {
      'a process that was stopped after any batch is followed by one that goes on exactly there':
        /a run of 1 batches .* order-2 .*and 1 more. is missing/s,
      'a pipeline that is killed before the sink, at any batch, loses nothing': /batch 2: order-3 .* is missing/s,
    },
  },
  {
    mistake: 'tells the position of the next event',
    source: AheadByOne,
    fails: {
      'a process that was stopped after any batch is followed by one that goes on exactly there':
        /a run of 1 batches .* order-2 of \S+ is missing/s,
    },
  },
  {
    mistake: 'tells the beginning of the page for its end',
    source: BehindByPage,
    fails: {
      'a process that was stopped after any batch is followed by one that goes on exactly there': /came twice/s,
      'a pipeline that is killed after the cursor was saved, at any batch, loses nothing':
        /these were saved, and came again/s,
    },
  },
  {
    mistake: 'has no cursor although it says so',
    source: NoCursor,
    fails: {
      'a cursor survives JSON, and is not changed once it was seen': /no cursor after everything was read/s,
      'when nothing is new, a run brings nothing': /a second run brings what the first one had/s,
      'a pipeline that is killed after the sink, at any batch, loses nothing': /came again/s,
      'a pipeline that is killed before the cursor is saved, at any batch, loses nothing': /came again/s,
    },
  },
  {
    mistake: 'takes "later than" where several have the same time',
    source: GreaterThan,
    fails: {
      'a process that was stopped after any batch is followed by one that goes on exactly there':
        /order-2 .* is missing/s,
      'a pipeline that is killed after the sink, at any batch, loses nothing': /order-7 .* is missing/s,
      'a pipeline that is killed before the cursor is saved, at any batch, loses nothing': /order-7 .* is missing/s,
    },
  },
  {
    mistake: 'goes on with the last one that was acknowledged',
    source: GreaterOrEqual,
    fails: {
      'a process that was stopped after any batch is followed by one that goes on exactly there':
        /order-1 .* came twice/s,
      'when nothing is new, a run brings nothing': /order-10/s,
      'what is new comes, and nothing else': /order-10 .* should not be there/s,
    },
  },
  {
    mistake: 'changes the cursor that it was given and that it gave',
    source: SameCursor,
    fails: {
      'a cursor survives JSON, and is not changed once it was seen': /a cursor was changed after it was seen/s,
      'a cursor that a source is given stays as it is': /read only property|changed the cursor that it was given/s,
    },
  },
  {
    mistake: 'has a Date in its cursor',
    source: DateInCursor,
    fails: {
      'a cursor survives JSON, and is not changed once it was seen': /does not survive JSON/s,
    },
  },
  {
    mistake: 'keeps its position in itself',
    source: PositionInInstance,
    fails: {
      'to look without acknowledging leaves everything where it is':
        /a run after having looked: order-1 .* is missing/s,
      'a batch that is rejected, and all after it, comes again in the same process': /order-2 .* is missing/s,
    },
  },
  {
    mistake: 'keeps the validator of a page that nobody has acknowledged',
    source: ValidatorTooEarly,
    fails: {
      'after `break` the event in hand comes again, in the same process, wherever it was':
        /after a break at event 1: order-1 .* is missing/s,
    },
  },
  {
    mistake: 'leaves out what it has handed out before',
    source: SeenInMemory,
    fails: {
      'after `break` the event in hand comes again, in the same process, wherever it was':
        /after a break at event 1: order-1 .* is missing/s,
      'a batch that is rejected, and all after it, comes again in the same process': /order-4 .* is missing/s,
    },
  },
  {
    mistake: 'passes over one when it goes on',
    source: PassesOverOne,
    fails: {
      'a process that was stopped after any batch is followed by one that goes on exactly there':
        /order-2 of \S+ is missing/s,
      'a batch that is rejected, and all after it, comes again in the next process': /order-2 of \S+ is missing/s,
      'what is new comes, and nothing else': /what happened between two runs is missing/s,
    },
  },
  {
    mistake: 'changes its state after the yield',
    source: StateAfterYield,
    fails: {
      'a process that was stopped after any batch is followed by one that goes on exactly there':
        /order-1 .* came twice/s,
      'when nothing is new, a run brings nothing': /order-10/s,
    },
  },
];
