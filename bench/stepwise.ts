/** A clock whose pauses last until the next step. */
export class Stepwise {
  #wake: (() => void) | undefined;
  #waiting: (() => void) | undefined;

  now = () => Date.now();

  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal?.reason);
      signal?.addEventListener('abort', stop);
      this.#wake = () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      };
      this.#waiting?.();
    });
  }

  /** Until the next pause. */
  isWaiting(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** Ends the pause; resolves with the next. */
  step(): Promise<void> {
    const waiting = this.isWaiting();
    this.#wake?.();
    return waiting;
  }
}
