import type { GapEvent, SourceEvent } from '../../core/event.js';
import type { DatabaseRow } from './rows.js';

/** A row as it is now. */
export interface DatabaseRowData {
  /** Of the table, with its schema where one is configured; `query` for a query. */
  table: string;
  /** The columns that tell this row from all others. */
  key: DatabaseRow;
  row: DatabaseRow;
}

/** A row that is gone. */
export interface DatabaseDeletedData {
  table: string;
  key: DatabaseRow;
}

export type DatabaseInsertedEvent = SourceEvent<'db.row.inserted', DatabaseRowData>;
export type DatabaseUpdatedEvent = SourceEvent<'db.row.updated', DatabaseRowData>;
export type DatabaseDeletedEvent = SourceEvent<'db.row.deleted', DatabaseDeletedData>;

/** Whatever a `DatabaseSource` yields. */
export type DatabaseEvent = DatabaseInsertedEvent | DatabaseUpdatedEvent | DatabaseDeletedEvent | GapEvent;

/** What an event is made of. */
export type DatabaseFields =
  | {
      type: 'db.row.inserted' | 'db.row.updated';
      id: string;
      subject: string;
      time?: string | undefined;
      data: DatabaseRowData;
    }
  | { type: 'db.row.deleted'; id: string; subject: string; time?: string | undefined; data: DatabaseDeletedData };
