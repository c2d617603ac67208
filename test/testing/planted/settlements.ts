import type { ValidationResult } from 'headwater';
import type { Planted } from './planted.js';
import { type Context, Hook, type OrderBatch, type OrderEvent, Queue } from './right.js';
import type { Order } from './shop.js';

class AcknowledgesOnRead extends Queue {
  protected override async takeMore(taken: ReadonlySet<number>, context: Context): Promise<Order[]> {
    const orders = await super.takeMore(taken, context);
    this.shop.acknowledge(orders);
    return orders;
  }
}

/** A page is all or nothing to it, whatever it is told. */
class AcknowledgesThePage extends Queue {
  protected override takeMore(taken: ReadonlySet<number>, context: Context): Promise<Order[]> {
    return super.takeMore(taken, { ...context, maxEvents: 3 });
  }

  protected override delivery(orders: readonly Order[]): OrderBatch {
    return { events: super.delivery(orders).events, settle: () => this.shop.acknowledge(orders) };
  }
}

/** Hears of the last settlement only, and takes it for a yes. */
class AcknowledgesRejected extends Queue {
  protected override delivery(orders: readonly Order[]): OrderBatch {
    const settle = (_: number, { final }: { final: boolean }): void => {
      if (final) this.shop.acknowledge(orders);
    };
    return { events: super.delivery(orders).events, settle };
  }
}

class NeverAcknowledges extends Queue {
  protected override delivery(orders: readonly Order[]): OrderBatch {
    return { events: super.delivery(orders).events };
  }
}

/** As a consumer that commits an offset, and is wrong by one. */
class AcknowledgesOneMore extends Queue {
  protected override delivery(orders: readonly Order[]): OrderBatch {
    const taken = this.shop.queue.filter(({ number }) => number <= (orders.at(-1)?.number ?? 0) + 1);
    return { events: super.delivery(orders).events, settle: (count) => this.shop.acknowledge(count > 0 ? taken : []) };
  }
}

class ValidatesByTaking extends Queue {
  override async validate(): Promise<ValidationResult> {
    const orders = await this.shop.take(new Set(), 1, this.token.reveal());
    this.shop.acknowledge(orders);
    return { ok: true, problems: [] };
  }
}

/** Its sender hears that all is well when the event is in memory. */
class AnswersAtOnce extends Hook {
  protected override push(event: OrderEvent): Promise<void> {
    void super.push(event);
    return Promise.resolve();
  }
}

export const settlements: readonly Planted[] = [
  {
    mistake: 'acknowledges what it reads',
    source: AcknowledgesOnRead,
    fails: {
      'a batch that is rejected, and all after it, comes again in the next process': /order-2 .* is missing/s,
      'a pipeline that is killed before the sink, at any batch, loses nothing': /batch 1: order-1 .* is missing/s,
      'what is read again is the same to the letter': /or is missing/s,
    },
  },
  {
    mistake: 'acknowledges the page with its first event',
    source: AcknowledgesThePage,
    fails: {
      'a process that was stopped after any batch is followed by one that goes on exactly there':
        /order-2 .* is missing/s,
      'batches that are settled out of order move only what is settled without a hole': /order-6 .* is missing/s,
    },
  },
  {
    mistake: 'acknowledges what was rejected',
    source: AcknowledgesRejected,
    fails: {
      'a batch that is rejected, and all after it, comes again in the next process': /order-2 .* is missing/s,
      'a batch that is rejected, and all after it, comes again in the same process': /order-2 .* is missing/s,
    },
  },
  {
    mistake: 'never acknowledges',
    source: NeverAcknowledges,
    fails: {
      'a process that was stopped after any batch is followed by one that goes on exactly there':
        /order-1 .* came twice/s,
      'batches that are settled out of order move only what is settled without a hole': /came twice/s,
    },
  },
  {
    mistake: 'acknowledges one more than it was told',
    source: AcknowledgesOneMore,
    fails: {
      'a run brings every event, each once': /a run brings 5 events of 10/s,
    },
  },
  {
    mistake: 'takes a message to find out whether it can',
    source: ValidatesByTaking,
    fails: {
      'validate() accepts what can be read, and changes nothing': /order-1 .* is missing/s,
    },
  },
  {
    mistake: 'answers before anybody has acknowledged',
    source: AnswersAtOnce,
    fails: {
      'a process that was stopped after any batch is followed by one that goes on exactly there':
        /is missing|did not come/s,
    },
  },
];
