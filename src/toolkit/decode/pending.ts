/** Bytes of a record that is not complete yet, kept as a copy from one chunk to the next. */
export class Pending {
  #kept: Buffer = Buffer.alloc(0);

  get length(): number {
    return this.#kept.length;
  }

  /** What was kept, and the chunk after it. */
  join(chunk: Uint8Array): Buffer {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    return this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
  }

  keep(rest: Uint8Array): void {
    this.#kept = rest.length === 0 ? Buffer.alloc(0) : Buffer.from(rest);
  }
}
