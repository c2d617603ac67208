import { setTimeout as wait } from 'node:timers/promises';
import type { Planted } from './planted.js';
import { type Context, cursorOf, type OrderBatch, Orders } from './right.js';
import type { Order, Position } from './shop.js';

class ClosesAtTheEnd extends Orders {
  protected override async *readBatches(context: Context): AsyncGenerator<OrderBatch, void, undefined> {
    const connection = this.shop.connect();
    yield* this.batches(context);
    connection.close();
  }
}

class NeverCloses extends Orders {
  protected override readBatches(context: Context): AsyncGenerator<OrderBatch, void, undefined> {
    this.shop.connect();
    return this.batches(context);
  }
}

class ConnectsWhenMade extends Orders {
  readonly #connection = this.shop.connect();

  protected override async *readBatches(context: Context): AsyncGenerator<OrderBatch, void, undefined> {
    try {
      yield* this.batches(context);
    } finally {
      this.#connection.close();
    }
  }
}

class WaitsOn extends Orders {
  protected override wait(): Promise<void> {
    return this.clock.sleep(1_000);
  }
}

class AsksOn extends Orders {
  protected override ask(after: Position | undefined): Promise<Order[]> {
    return super.ask(after, new AbortController().signal);
  }
}

class BacksOffOn extends Orders {
  protected override page(after: Position | undefined, context: Context): Promise<Order[]> {
    return super.page(after, { ...context, signal: new AbortController().signal });
  }
}

class LeavesATimer extends Orders {
  protected override async *batches(context: Context): AsyncGenerator<OrderBatch, void, undefined> {
    const timer = setInterval(() => {}, 60_000);
    timers.add(timer);
    yield* super.batches(context);
    clearInterval(timer);
  }
}

const timers = new Set<NodeJS.Timeout>();

/** What the wrong sources leave behind, removed. */
export function removeLeftovers(): void {
  for (const timer of timers) clearInterval(timer);
  timers.clear();
  process.removeListener('SIGUSR2', noteSignal);
}

class LeavesListeners extends Orders {
  protected override wait(context: Context): Promise<void> {
    context.signal.addEventListener('abort', () => this.logger.debug({}, 'aborted'));
    return super.wait(context);
  }
}

const noteSignal = (): void => {};

class ListensToTheProcess extends Orders {
  protected override async *batches(context: Context): AsyncGenerator<OrderBatch, void, undefined> {
    process.on('SIGUSR2', noteSignal);
    yield* super.batches(context);
    process.removeListener('SIGUSR2', noteSignal);
  }
}

class NeverFollows extends Orders {
  protected override batches(context: Context): AsyncGenerator<OrderBatch, void, undefined> {
    return super.batches({ ...context, follow: false });
  }
}

class WaitsByTheWall extends Orders {
  protected override async wait({ signal }: Context): Promise<void> {
    await wait(3_600_000, undefined, { signal });
  }
}

class ReadsAhead extends Orders {
  protected override async *batches(context: Context): AsyncGenerator<OrderBatch, void, undefined> {
    const pages: (readonly Order[])[] = [];
    let isOver = false;
    let wake = (): void => {};
    const read = async (): Promise<void> => {
      for (let after = context.cursor; ; ) {
        const page = await this.page(after, context);
        if (page.length === 0) break;
        pages.push(page);
        after = cursorOf(page.at(-1));
        wake();
      }
      isOver = true;
      wake();
    };
    const reading = read().catch(() => {});
    while (!isOver || pages.length > 0) {
      const page = pages.shift();
      if (page !== undefined) yield this.batch(page);
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
    await reading;
  }
}

export const releases: readonly Planted[] = [
  {
    mistake: 'lets go only at the end',
    source: ClosesAtTheEnd,
    fails: {
      '`break` leaves nothing open, at whatever event': /upstream still sees the source/s,
      'an error in the loop leaves nothing open, and is what the loop rejects with': /upstream still sees the source/s,
    },
  },
  {
    mistake: 'never lets go',
    source: NeverCloses,
    fails: {
      'a run to the end leaves nothing open': /upstream still sees the source/s,
    },
  },
  {
    mistake: 'connects before anybody reads',
    source: ConnectsWhenMade,
    fails: {
      '`return()` before the first event leaves nothing open, twice as well as once': /upstream still sees the source/s,
    },
  },
  {
    mistake: 'waits on after an abort',
    source: WaitsOn,
    fails: {
      'an abort ends the wait for more': /has not let go of what it opened/s,
      '`close()` ends the wait for more': /has not let go of what it opened/s,
    },
  },
  {
    mistake: 'lets a request run on after an abort',
    source: AsksOn,
    fails: {
      'an abort ends a request that is never answered': /has not let go of what it opened/s,
    },
  },
  {
    mistake: 'backs off on after an abort',
    source: BacksOffOn,
    fails: {
      'an abort ends a back-off': /has not let go of what it opened/s,
    },
  },
  {
    mistake: 'leaves a timer',
    source: LeavesATimer,
    fails: {
      '`break` leaves nothing open, at whatever event': /the process holds more than before: 1 Timeout|Timeout/s,
    },
  },
  {
    mistake: 'adds a listener with every wait',
    source: LeavesListeners,
    fails: {
      'waiting again and again does not pile up listeners': /listeners on the signal pile up/s,
    },
  },
  {
    mistake: 'leaves a listener on the process',
    source: ListensToTheProcess,
    fails: {
      '`break` leaves nothing open, at whatever event': /SIGUSR2/s,
    },
  },
  {
    mistake: 'ends when it should follow',
    source: NeverFollows,
    fails: {
      'an abort ends the wait for more': /an aborted iteration went on/s,
      'what happens while a source waits for more is brought': /a source that follows ended/s,
    },
  },
  {
    mistake: 'waits by another clock than it was given',
    source: WaitsByTheWall,
    fails: {
      'what happens while a source waits for more is brought': /what is new did not come/s,
    },
  },
  {
    mistake: 'reads on while its consumer is busy',
    source: ReadsAhead,
    fails: {
      'while the consumer is busy with an event, a source does not read on without bound':
        /100 % of all there is was taken/s,
    },
  },
];
