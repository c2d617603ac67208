/**
 * Keeps every event in an array: for tests and small jobs. It grows without limit.
 *
 * ```ts
 * const sink = new MemorySink<GitEvent>();
 * await ingest({ source, sink });
 * console.log(sink.events.length);
 * ```
 */
export class MemorySink<Output = unknown> {
  /** What was written, in order. */
  readonly events: Output[] = [];

  async write(batch: { readonly events: readonly Output[] }): Promise<void> {
    for (const event of batch.events) this.events.push(event);
  }

  /** Keeps the events. */
  async close(): Promise<void> {}
}
