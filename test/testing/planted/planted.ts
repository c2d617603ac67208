/** A source with one mistake. */
export interface Planted {
  /** What it does that it must not do. */
  readonly mistake: string;
  // The classes differ in what `create` takes; the contract makes nothing of it.
  readonly source: unknown;
  /** Cases that have to fail, and what they have to say. */
  readonly fails: Readonly<Record<string, RegExp>>;
}
