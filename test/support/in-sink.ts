import type { SinkFunction } from 'headwater';
import { Database, DatabaseCursorStore, type Transaction } from './database.js';
import { atOnce, ObservedLetters } from './ingesting.js';
import { numberOf } from './observing.js';
import type { ItemCursor, TestEvent } from './test-sources.js';

export type DatabaseSink = SinkFunction<TestEvent, ItemCursor, Transaction>;

/** Stores events and cursor in one transaction. */
export function storing(database: Database, poisons: readonly (number | 'gap')[] = []): DatabaseSink {
  return (batch) =>
    database.transaction(async (transaction) => {
      for (const event of batch.events) {
        const n = numberOf(event);
        if (poisons.includes(n)) throw new Error('poison');
        await transaction.insert(Number(n));
      }
      await batch.saveCursor(transaction);
    });
}

/** A database, and the options of a run into it. */
export function setUp(poisons: readonly (number | 'gap')[] = []) {
  const database = new Database();
  const cursorStore = new DatabaseCursorStore(database);
  const deadLetters = new ObservedLetters();
  const options = {
    sink: storing(database, poisons),
    cursorStore,
    cursor: 'in-sink',
    batch: { maxEvents: 4 },
    retry: { ...atOnce, retries: 2 },
  } as const;
  return { database, cursorStore, deadLetters, options };
}
