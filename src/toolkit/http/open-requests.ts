/** What is under way. Each ends with its caller's signal, and all of it when the client is closed. */
export class OpenRequests {
  readonly #controllers = new Set<AbortController>();

  /** @throws what the action throws, or, once it is to end, the reason for that: whatever it made of the sockets */
  async run<Result>(outer: AbortSignal | undefined, action: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const controller = new AbortController();
    const stop = (): void => controller.abort(outer?.reason);
    outer?.addEventListener('abort', stop, { once: true });
    if (outer?.aborted === true) stop();
    this.#controllers.add(controller);
    try {
      controller.signal.throwIfAborted();
      return await action(controller.signal);
    } catch (error) {
      throw controller.signal.aborted ? controller.signal.reason : error;
    } finally {
      outer?.removeEventListener('abort', stop);
      this.#controllers.delete(controller);
    }
  }

  end(reason: unknown): void {
    for (const controller of this.#controllers) controller.abort(reason);
  }
}
