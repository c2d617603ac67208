import type { BsonDocument } from './values.js';

const JOINING = new Set(['$and', '$or', '$nor']);

/** Changes that carry no document of their own. */
const WITHOUT_DOCUMENT = ['delete', 'drop', 'dropDatabase', 'rename', 'invalidate'];

/**
 * The filter of documents, for the changes of a stream: what carries no document passes, and so does an update whose
 * document is not sent along, since it cannot be told.
 */
export function matchOf(filter: BsonDocument | undefined): BsonDocument[] {
  if (filter === undefined) return [];
  const passing = [{ operationType: { $in: WITHOUT_DOCUMENT } }, { fullDocument: null }];
  return [{ $match: { $or: [...passing, within(filter)] } }];
}

function within(filter: BsonDocument): BsonDocument {
  return Object.fromEntries(
    Object.entries(filter).map(([name, value]) =>
      JOINING.has(name) ? [name, (value as BsonDocument[]).map(within)] : [`fullDocument.${name}`, value],
    ),
  );
}

/** Operators at the top that speak of the whole document, which has another place in a change. */
export function isAboutFields(filter: BsonDocument): boolean {
  return Object.entries(filter).every(([name, value]) =>
    JOINING.has(name) ? Array.isArray(value) && value.every(isAboutFields) : !name.startsWith('$'),
  );
}
