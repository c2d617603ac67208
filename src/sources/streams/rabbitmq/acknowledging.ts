import type { Delivery, RabbitmqClient } from './client.js';

/** How long an acknowledgement may wait for more, in milliseconds. */
const LONGEST_WAIT_MS = 2;

/**
 * Acknowledges many messages in one: each acknowledgement has the broker send as many more, and a few at a time cost both
 * sides several times as much. What waits is sent when it is half of the window, after 2 ms, or when the client closes.
 */
export class Acknowledging {
  readonly #client: RabbitmqClient;
  readonly #most: number;
  #last: Delivery | undefined;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: RabbitmqClient, window: number) {
    this.#client = client;
    this.#most = Math.ceil(window / 2);
    client.beforeClosing(() => this.flush());
  }

  /** It, and all that were delivered before it: `count` more than were acknowledged so far. */
  upTo(message: Delivery, count: number): void {
    this.#last = message;
    this.#count += count;
    if (this.#count >= this.#most) return this.flush();
    this.#timer ??= setTimeout(() => this.flush(), LONGEST_WAIT_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const last = this.#last;
    this.#last = undefined;
    this.#count = 0;
    if (last !== undefined) this.#client.acknowledge(last, true);
  }
}
