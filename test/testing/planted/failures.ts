import { ConnectionError, type ValidationResult } from 'headwater';
import type { Planted } from './planted.js';
import { type Context, Orders } from './right.js';
import type { Order, Position } from './shop.js';

class TakesFailureForEnd extends Orders {
  protected override ask(after: Position | undefined, signal: AbortSignal): Promise<Order[]> {
    return super.ask(after, signal).catch(() => []);
  }
}

/** As a loop over numbered pages that logs what fails and goes on. */
class SkipsFailedPage extends Orders {
  protected override async page(after: Position | undefined, context: Context): Promise<Order[]> {
    try {
      return await this.ask(after, context.signal);
    } catch (error) {
      if (!ConnectionError.isInstance(error)) throw error;
      const skipped = this.shop.orders.find(({ number }) => number > (after?.number ?? 0));
      return super.page(skipped, context);
    }
  }
}

class FailsUntold extends Orders {
  protected override async page(after: Position | undefined, { signal }: Context): Promise<Order[]> {
    try {
      return await this.ask(after, signal);
    } catch (error) {
      throw ConnectionError.isInstance(error) ? new Error('it did not work') : error;
    }
  }
}

class NeverGivesUp extends Orders {
  protected override async page(after: Position | undefined, context: Context): Promise<Order[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.ask(after, context.signal);
      } catch (error) {
        if (context.signal.aborted || attempt === 8) throw error;
        await this.clock.sleep(10, context.signal);
      }
    }
  }
}

class FatalAsRetryable extends Orders {
  protected override async ask(after: Position | undefined, signal: AbortSignal): Promise<Order[]> {
    try {
      return await super.ask(after, signal);
    } catch (error) {
      throw new ConnectionError('it did not work', { cause: error });
    }
  }
}

class AcceptsAnything extends Orders {
  override async validate(): Promise<ValidationResult> {
    return { ok: true, problems: [] };
  }
}

class RefusesWithoutReason extends Orders {
  override async validate(): Promise<ValidationResult> {
    const { ok } = await super.validate();
    return { ok, problems: [] };
  }
}

class ValidatesOn extends Orders {
  override validate(): Promise<ValidationResult> {
    return super.validate();
  }
}

export const failures: readonly Planted[] = [
  {
    mistake: 'takes a failure for the end',
    source: TakesFailureForEnd,
    fails: {
      'a failure that passes costs no event, at whatever request':
        /request 1 failed for a moment: order-1 .* is missing/s,
      'a failure that does not pass ends the run with a FatalError, and is not tried again and again':
        /ended as though all was read/s,
    },
  },
  {
    mistake: 'goes on after the page that failed',
    source: SkipsFailedPage,
    fails: {
      'a failure that passes costs no event, at whatever request': /order-1 .* is missing/s,
    },
  },
  {
    mistake: 'does not say that a failure may pass',
    source: FailsUntold,
    fails: {
      'a failure that passes costs no event, at whatever request': /told as Error: it did not work/s,
    },
  },
  {
    mistake: 'tries again what is refused for good',
    source: NeverGivesUp,
    fails: {
      'a failure that does not pass ends the run with a FatalError, and is not tried again and again':
        /was followed by 7 more/s,
    },
  },
  {
    mistake: 'says of every failure that it may pass',
    source: FatalAsRetryable,
    fails: {
      'a failure that does not pass ends the run with a FatalError, and is not tried again and again':
        /told as ConnectionError/s,
    },
  },
  {
    mistake: 'accepts without looking',
    source: AcceptsAnything,
    fails: {
      'validate() refuses what cannot be read, and says why': /accepts what cannot be read/s,
    },
  },
  {
    mistake: 'refuses without a reason',
    source: RefusesWithoutReason,
    fails: {
      'validate() refuses what cannot be read, and says why': /does not say what is wrong/s,
    },
  },
  {
    mistake: 'looks on after an abort',
    source: ValidatesOn,
    fails: {
      'an abort ends validate()': /did not come/s,
    },
  },
];
