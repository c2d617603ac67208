/**
 * What a source remembers per item (file hashes, item hashes, delivery ids, series), saved as deltas in one atomic
 * step with the cursor.
 *
 * A change belongs to the event or batch yielded next: it is saved only when that is acknowledged in full, and undone
 * for a new iteration otherwise; `get` sees it at once. A batch that changed state is never cut.
 */
export interface KeyedState {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): void;
  delete(key: string): void;
  entries(prefix?: string): AsyncIterable<[key: string, value: unknown]>;
}

/** The changes that belong to one event or batch: key to new value, `undefined` for deleted. */
export type StateChanges = ReadonlyMap<string, unknown>;
