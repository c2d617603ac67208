import { ConnectionError } from '../../core/errors.js';

/** How long one try of a request may take, in milliseconds. */
export interface HttpDeadlines {
  /** Until the connection stands. Only of connections that are our own. Default 10,000. */
  connectMs: number;
  /** Until the headers are there, from the beginning. Default 60,000. */
  headersMs: number;
  /** Without any byte of the body. Default 30,000. */
  idleMs: number;
  /** All together, redirects included. Default 300,000. */
  totalMs: number;
}

export const DEFAULT_DEADLINES: HttpDeadlines = {
  connectMs: 10_000,
  headersMs: 60_000,
  idleMs: 30_000,
  totalMs: 300_000,
};

/**
 * A signal for one try: fires with the reason of the caller's, or with a ConnectionError when a deadline passes.
 *
 * By the machine's time, not by the clock of the source: sockets live in the one, and a test that moves the other by
 * hours must not break off what is under way.
 */
export class Deadlines {
  readonly #limits: HttpDeadlines;
  readonly #parent: AbortSignal;
  readonly #label: () => string;
  readonly #controller = new AbortController();
  readonly #total: NodeJS.Timeout;
  #phase: NodeJS.Timeout | undefined;

  constructor(limits: HttpDeadlines, label: () => string, parent: AbortSignal) {
    this.#limits = limits;
    this.#label = label;
    this.#parent = parent;
    parent.addEventListener('abort', this.#stop, { once: true });
    if (parent.aborted) this.#stop();
    this.#total = this.#timer(limits.totalMs, 'was not answered to the end');
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What is awaited, or the end as soon as the signal fires: not everything below listens at every moment. */
  async awaiting<Result>(promise: Promise<Result>): Promise<Result> {
    let stop = (): void => {};
    const ended = new Promise<never>((_, reject) => {
      stop = () => reject(this.signal.reason);
      if (this.signal.aborted) stop();
      this.signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([promise, ended]);
    } catch (error) {
      throw this.signal.aborted ? this.signal.reason : error;
    } finally {
      this.signal.removeEventListener('abort', stop);
    }
  }

  awaitHeaders(): void {
    clearTimeout(this.#phase);
    this.#phase = this.#timer(this.#limits.headersMs, 'had no answer');
  }

  awaitBody(): void {
    clearTimeout(this.#phase);
    this.#phase = this.#timer(this.#limits.idleMs, 'had no more of the answer');
  }

  /** Some of the body came. */
  received(): void {
    this.#phase?.refresh();
  }

  end(): void {
    clearTimeout(this.#total);
    clearTimeout(this.#phase);
    this.#parent.removeEventListener('abort', this.#stop);
  }

  readonly #stop = (): void => this.#controller.abort(this.#parent.reason);

  #timer(milliseconds: number, what: string): NodeJS.Timeout {
    return setTimeout(() => {
      this.#controller.abort(
        new ConnectionError(`${this.#label()} ${what} within ${milliseconds} ms. It may pass: try again later`, {
          code: 'HTTP_TIMEOUT',
        }),
      );
    }, milliseconds);
  }
}
