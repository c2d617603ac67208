/** Something that receives, until it is closed. */
export interface Listener<Address> {
  readonly address: Address;
  /** Resolves when nothing of it is left. Connections are cut. */
  close(): Promise<void>;
}

export interface ListeningOptions<Address> {
  /** Opens all of them, or none and throws. */
  open(): Promise<readonly Listener<Address>[]>;
  /** Called while they are still open. */
  beforeClose(listeners: readonly Listener<Address>[]): Promise<void>;
}

/** Listeners that are opened and closed together, one after the other whoever asks. */
export class Listening<Address> {
  readonly #options: ListeningOptions<Address>;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> = Promise.resolve();
  #listeners: readonly Listener<Address>[] = [];

  constructor(options: ListeningOptions<Address>) {
    this.#options = options;
  }

  get isOn(): boolean {
    return this.#opening !== undefined;
  }

  get addresses(): readonly Address[] {
    return this.#listeners.map(({ address }) => address);
  }

  /** Idempotent. After a failure nothing is open, and it may be tried again. */
  start(): Promise<void> {
    this.#opening ??= this.#startAfter(this.#closing);
    return this.#opening;
  }

  /** Resolves when nothing is open any more; waits for a start that is under way. Idempotent. */
  stop(): Promise<void> {
    const opening = this.#opening;
    if (opening === undefined) return this.#closing;
    this.#opening = undefined;
    this.#closing = opening.then(
      () => this.#closeAll(),
      () => {},
    );
    return this.#closing;
  }

  async #startAfter(closing: Promise<void>): Promise<void> {
    await closing;
    try {
      this.#listeners = await this.#options.open();
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async #closeAll(): Promise<void> {
    const listeners = this.#listeners;
    this.#listeners = [];
    await this.#options.beforeClose(listeners);
    await closeListeners(listeners);
  }
}

export async function closeListeners(listeners: readonly Listener<unknown>[]): Promise<void> {
  await Promise.all(listeners.map((listener) => listener.close()));
}
