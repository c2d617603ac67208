import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import type { CursorRecord, CursorStore, CursorWrite, SaveOptions } from '../../core/cursor-store.js';
import { CursorConflictError } from '../../core/errors.js';

/** A store under test. */
export interface OpenedCursorStore {
  readonly store: CursorStore<unknown>;
  /** Another store over the same data, as another process has it. Absent where the data lives in the store itself. */
  reopen?(): Promise<CursorStore<unknown>>;
  /** Moves the store's clock, where it has one. Default: really waits. */
  advance?(milliseconds: number): void | Promise<void>;
  close?(): Promise<void>;
}

export interface StoreCase {
  readonly name: string;
  readonly needs?: 'history' | 'leases' | undefined;
  check(opened: OpenedCursorStore): Promise<void>;
}

export const SOURCE_ID = 'a-source';

/** A write with everything that is not in question filled in. */
export function writeOf(cursor: unknown, fields: Partial<CursorWrite> = {}): CursorWrite {
  const base = { sourceId: SOURCE_ID, sourceType: 'test', origin: 'test:origin', cursorVersion: 1, writer: 'writer-1' };
  return { ...base, cursor, ...fields };
}

/** Saves one record after another, from `expectedRevision` on. */
export async function saveAll(
  store: CursorStore<unknown>,
  cursors: readonly unknown[],
  fields: Partial<CursorWrite> = {},
): Promise<CursorRecord[]> {
  const records: CursorRecord[] = [];
  for (const cursor of cursors) {
    records.push(await store.save(writeOf(cursor, fields), { expectedRevision: records.length }));
  }
  return records;
}

export async function readState(
  store: CursorStore<unknown>,
  prefix?: string,
  sourceId = SOURCE_ID,
): Promise<unknown[]> {
  const entries: [string, unknown][] = [];
  for await (const entry of store.loadState(sourceId, prefix)) entries.push(entry);
  return entries.sort(([left], [right]) => (left < right ? -1 : 1));
}

/** The conflict that a save has to end with. */
export async function conflictOf(store: CursorStore<unknown>, write: CursorWrite, options: SaveOptions<unknown>) {
  return rejectionOf(store.save(write, options));
}

export async function rejectionOf(call: Promise<unknown>): Promise<CursorConflictError> {
  const error = await call.then(
    () => assert.fail('it should have been refused'),
    (reason: unknown) => reason,
  );
  assert.ok(CursorConflictError.isInstance(error), `it should be a CursorConflictError, it is: ${String(error)}`);
  return error;
}

/** The second view on the data, or the same where there is only one. */
export async function secondView({ store, reopen }: OpenedCursorStore): Promise<CursorStore<unknown>> {
  return reopen === undefined ? store : reopen();
}

export async function pass(opened: OpenedCursorStore, milliseconds: number): Promise<void> {
  if (opened.advance === undefined) await wait(milliseconds + 20);
  else await opened.advance(milliseconds);
}
