import type { ChangesConfig } from './config.js';
import type { MongodbDocument, MongodbFields, MongodbTransaction, MongodbUpdatedData } from './events.js';
import { type BsonDocument, keyText, toDocument, toValue } from './values.js';

/**
 * A change as the server tells it, all parts together.
 * @see https://www.mongodb.com/docs/manual/reference/change-events/
 */
export interface Change {
  /** The resume token. */
  readonly _id: { readonly _data?: unknown };
  readonly operationType: string;
  readonly ns?: { readonly db: string; readonly coll?: string };
  readonly to?: { readonly db: string; readonly coll: string };
  readonly documentKey?: BsonDocument;
  readonly fullDocument?: BsonDocument | null;
  readonly fullDocumentBeforeChange?: BsonDocument | null;
  readonly updateDescription?: {
    readonly updatedFields?: BsonDocument;
    readonly removedFields?: readonly string[];
    readonly truncatedArrays?: readonly { readonly field: string; readonly newSize: unknown }[];
  };
  readonly clusterTime?: unknown;
  readonly wallTime?: unknown;
  readonly txnNumber?: unknown;
  readonly lsid?: { readonly id?: unknown };
  readonly splitEvent?: { readonly fragment: number; readonly of: number };
}

/** What an event is made of; undefined for what is no event: the end of a stream, and what later servers tell besides. */
export function toFields(change: Change, config: ChangesConfig): MongodbFields | undefined {
  const collection = change.ns?.coll ?? config.collection ?? '';
  const common = { id: tokenText(change), time: timeOf(change) };
  switch (change.operationType) {
    case 'insert':
    case 'update':
    case 'replace':
    case 'delete':
      return { ...common, ...ofDocument(change, collection) };
    case 'drop':
      return { ...common, type: 'db.collection.dropped', subject: collection, data: { collection } };
    case 'rename': {
      const to = change.to?.coll ?? '';
      return { ...common, type: 'db.collection.renamed', subject: collection, data: { collection, to } };
    }
    default:
      return undefined;
  }
}

function ofDocument(change: Change, collection: string): Pick<MongodbFields, 'type' | 'subject' | 'data'> {
  const id = change.documentKey?.['_id'];
  const place = { collection, key: toValue(id), ...transactionOf(change), ...previousOf(change) };
  const subject = keyText(id);
  const document = change.fullDocument == null ? undefined : toDocument(change.fullDocument);
  switch (change.operationType) {
    case 'insert':
      return { type: 'db.document.inserted', subject, data: { ...place, document: document ?? {} } };
    case 'delete':
      return { type: 'db.document.deleted', subject, data: place };
    default:
      return {
        type: 'db.document.updated',
        subject,
        data: { ...place, ...(document && { document }), ...changesOf(change) },
      };
  }
}

function changesOf({ updateDescription }: Change): Pick<MongodbUpdatedData, 'changes'> {
  if (updateDescription === undefined) return {};
  const { updatedFields = {}, removedFields = [], truncatedArrays = [] } = updateDescription;
  const truncated = truncatedArrays.map(({ field, newSize }) => ({ field, newSize: Number(newSize) }));
  return {
    changes: {
      updated: toDocument(updatedFields),
      removed: removedFields,
      ...(truncated.length > 0 && { truncated }),
    },
  };
}

function transactionOf({ txnNumber, lsid }: Change): { transaction?: MongodbTransaction } {
  if (txnNumber === undefined || lsid?.id === undefined) return {};
  return { transaction: { session: keyText(lsid.id), number: String(txnNumber) } };
}

function previousOf({ fullDocumentBeforeChange }: Change): { previous?: MongodbDocument } {
  return fullDocumentBeforeChange == null ? {} : { previous: toDocument(fullDocumentBeforeChange) };
}

/** The token tells one change from all others of the deployment. */
function tokenText({ _id }: Change): string {
  return typeof _id._data === 'string' ? _id._data : keyText(_id);
}

/** When it was written, by the clock of the server; before MongoDB 6.0 to the second. */
function timeOf({ wallTime, clusterTime }: Change): string | undefined {
  if (wallTime instanceof Date) return wallTime.toISOString();
  const { t } = toValue(clusterTime) as { t?: number };
  return t === undefined ? undefined : new Date(t * 1_000).toISOString();
}

/** Parts of a change, put together again. */
export function joinParts(parts: readonly Change[]): Change {
  const last = parts.at(-1) as Change;
  return Object.assign({}, ...parts, { _id: last._id }) as Change;
}
