import type { GapEvent, SourceEvent } from '../../core/event.js';
import type { DatabaseRow } from './rows.js';

/** A row as it is now. */
export interface DatabaseRowData {
  /** Of the table, with its schema where one is configured; `query` for a query. */
  table: string;
  /** The columns that tell this row from all others. */
  key: DatabaseRow;
  row: DatabaseRow;
  /** Mode replication: columns that are not in `row`, because they were not changed and the server does not send them (TOAST). */
  unchanged?: readonly string[];
  /** Mode replication: the key before, where it was changed. */
  previousKey?: DatabaseRow;
  /** Mode replication, with REPLICA IDENTITY FULL: the row before. */
  previous?: DatabaseRow;
}

/** A row that is gone. */
export interface DatabaseDeletedData {
  table: string;
  key: DatabaseRow;
  /** Mode replication, with REPLICA IDENTITY FULL: the row that was. */
  previous?: DatabaseRow;
}

/** Mode replication: all rows of a table are gone. */
export interface DatabaseTruncatedData {
  table: string;
  /** Tables that refer to it were truncated with it. */
  cascade: boolean;
  /** Its sequences were set back. */
  restartIdentity: boolean;
}

export type DatabaseInsertedEvent = SourceEvent<'db.row.inserted', DatabaseRowData>;
export type DatabaseUpdatedEvent = SourceEvent<'db.row.updated', DatabaseRowData>;
export type DatabaseDeletedEvent = SourceEvent<'db.row.deleted', DatabaseDeletedData>;
export type DatabaseTruncatedEvent = SourceEvent<'db.table.truncated', DatabaseTruncatedData>;

/** Whatever a `DatabaseSource` yields. */
export type DatabaseEvent =
  | DatabaseInsertedEvent
  | DatabaseUpdatedEvent
  | DatabaseDeletedEvent
  | DatabaseTruncatedEvent
  | GapEvent;

/** What an event is made of. */
export type DatabaseFields =
  | {
      type: 'db.row.inserted' | 'db.row.updated';
      id: string;
      subject: string;
      time?: string | undefined;
      data: DatabaseRowData;
    }
  | { type: 'db.row.deleted'; id: string; subject: string; time?: string | undefined; data: DatabaseDeletedData }
  | { type: 'db.table.truncated'; id: string; subject: string; time?: string | undefined; data: DatabaseTruncatedData };
