import type { GapEvent, SourceEvent } from '../../core/event.js';

/** A value of a document, as it stands in events. The page of this source says what becomes of each type. */
export type MongodbValue =
  | null
  | boolean
  | number
  | string
  | readonly MongodbValue[]
  | { readonly [field: string]: MongodbValue };

export type MongodbDocument = { readonly [field: string]: MongodbValue };

interface Place {
  /** The collection. */
  collection: string;
  /** Its `_id`. */
  key: MongodbValue;
}

/** Of one transaction. Changes of a transaction come one after another. */
export interface MongodbTransaction {
  /** The session, and the number of the transaction in it. */
  session: string;
  number: string;
}

interface Changed {
  /** Mode changes: the transaction that it was part of. */
  transaction?: MongodbTransaction;
  /** Mode changes, with fullDocumentBeforeChange: the document that was. */
  previous?: MongodbDocument;
}

/** A document that is there now. */
export interface MongodbInsertedData extends Place, Changed {
  document: MongodbDocument;
}

/** A document that was changed. */
export interface MongodbUpdatedData extends Place, Changed {
  /** Absent where it is not sent along, or was deleted before it could be looked up. */
  document?: MongodbDocument;
  /** Mode changes: what of it, unless it was replaced. */
  changes?: {
    updated: MongodbDocument;
    removed: readonly string[];
    /** Arrays that were cut, and their new length. */
    truncated?: readonly { field: string; newSize: number }[];
  };
}

/** A document that is gone. */
export interface MongodbDeletedData extends Place, Changed {}

export type MongodbInsertedEvent = SourceEvent<'db.document.inserted', MongodbInsertedData>;
export type MongodbUpdatedEvent = SourceEvent<'db.document.updated', MongodbUpdatedData>;
export type MongodbDeletedEvent = SourceEvent<'db.document.deleted', MongodbDeletedData>;
export type MongodbDroppedEvent = SourceEvent<'db.collection.dropped', { collection: string }>;
export type MongodbRenamedEvent = SourceEvent<'db.collection.renamed', { collection: string; to: string }>;

/** Whatever a `MongodbSource` yields. */
export type MongodbEvent =
  | MongodbInsertedEvent
  | MongodbUpdatedEvent
  | MongodbDeletedEvent
  | MongodbDroppedEvent
  | MongodbRenamedEvent
  | GapEvent;

/** What an event is made of. */
export interface MongodbFields {
  readonly type: Exclude<MongodbEvent['type'], 'headwater.gap'>;
  readonly id: string;
  readonly subject: string;
  readonly time?: string | undefined;
  readonly data: Exclude<MongodbEvent, GapEvent>['data'];
}
