/**
 * Hands every batch to a function; the batch is accepted when what it returns resolves, and tried again when it throws.
 * The function may be given to `ingest` directly; this is for where a sink object is asked for.
 *
 * ```ts
 * const sink = new CallbackSink(async (batch) => { await queue.addAll(batch.events); });
 * ```
 */
export class CallbackSink<Batch extends { readonly events: readonly unknown[] }> {
  readonly #accept: (batch: Batch) => void | Promise<void>;

  constructor(accept: (batch: Batch) => void | Promise<void>) {
    this.#accept = accept;
  }

  async write(batch: Batch): Promise<void> {
    await this.#accept(batch);
  }

  /** There is nothing to close. */
  async close(): Promise<void> {}
}
