import type { MongodbClient } from './client.js';
import type { PollingConfig } from './config.js';
import { configError } from './failure.js';
import { type BsonDocument, groupOf, valueAt } from './values.js';

/** What a round of polling may count on. */
export interface Surveyed {
  /** What the values of the cursor field are compared as. */
  readonly group: string;
  /** Up to which value documents are old enough to be read; undefined: all of them. */
  readonly bound: unknown;
}

/**
 * Looks at the ends of both orders: what is between two values of one group is of that group too. Undefined for a
 * collection without documents, or one that is not there (yet).
 *
 * @throws ConfigError 'MONGODB_MIXED_TYPES', 'MONGODB_NULL', 'MONGODB_LATE_WRITES'
 */
export async function survey(
  client: MongodbClient,
  signal: AbortSignal,
  config: PollingConfig,
  { sourceId, now }: { sourceId: string; now: number },
): Promise<Surveyed | undefined> {
  const { collection, cursorField = '_id', missing } = config;
  let group = '';
  for (const field of new Set(['_id', cursorField])) {
    const filter = missing === 'skip' && field !== '_id' ? { [field]: { $ne: null } } : {};
    const found = await groupOfAll(client, signal, { sourceId, collection, field, filter });
    if (found === undefined) return undefined;
    group = found;
  }
  return { group, bound: await boundOf(client, signal, config, { sourceId, group, now }) };
}

/** What all values of a field are compared as; undefined where there is no document. */
export async function groupOfAll(
  client: MongodbClient,
  signal: AbortSignal,
  { sourceId, collection, field, filter = {} }: Looked,
): Promise<string | undefined> {
  const at = async (direction: 1 | -1): Promise<BsonDocument | undefined> => {
    const [found] = await client.find(signal, collection, { filter, sort: { [field]: direction }, limit: 1 });
    return found;
  };
  const [lowest, highest] = [await at(1), await at(-1)];
  if (lowest === undefined || highest === undefined) return undefined;
  const [low = '', high = ''] = [lowest, highest].map((document) => groupOf(valueAt(document, field)));
  if (low === 'null') throw missingValue(sourceId, collection, field);
  if (low !== high || low === 'array') throw mixedTypes(sourceId, collection, field, [low, high]);
  return low;
}

interface Looked {
  readonly sourceId: string;
  readonly collection: string;
  readonly field: string;
  readonly filter?: BsonDocument;
}

async function boundOf(
  client: MongodbClient,
  signal: AbortSignal,
  { lagMs, collection, cursorField = '_id' }: PollingConfig,
  { sourceId, group, now }: { sourceId: string; group: string; now: number },
): Promise<unknown> {
  if (lagMs === 0) return undefined;
  if (!AGES.has(group)) {
    throw configError(
      sourceId,
      'MONGODB_LATE_WRITES',
      `what is written to ${collection} with an earlier ${cursorField} after a later one was read cannot be told: a ${group} has no age`,
      'read by a field with a date, or say by lagMs: 0 that values grow with every write',
    );
  }
  const { localTime } = await client.hello(signal);
  // Some that speak like MongoDB do not tell their time.
  const until = (localTime instanceof Date ? localTime.getTime() : now) - lagMs;
  if (group === 'date') return new Date(until);
  const seconds = Math.floor(until / 1_000);
  if (group === 'ObjectId') return new client.bson.ObjectId(seconds.toString(16).padStart(8, '0') + 'f'.repeat(16));
  return new client.bson.Timestamp({ t: seconds, i: 0xffff_ffff });
}

/** Values that tell when they were made. */
const AGES = new Set(['date', 'ObjectId', 'Timestamp']);

/** What is compared by type is never found by values of another. */
export function mixedTypes(sourceId: string, collection: string, field: string, groups: readonly string[]): Error {
  return configError(
    sourceId,
    'MONGODB_MIXED_TYPES',
    `${field} of ${collection} holds values that are not compared with each other (${[...new Set(groups)].join(', ')}): some would never be found`,
    'make them of one type, or read by another cursorField',
  );
}

function missingValue(sourceId: string, collection: string, field: string): Error {
  return configError(
    sourceId,
    'MONGODB_NULL',
    `${collection} has documents without ${field}, which have no place in the order`,
    "fill it in, or leave them out by missing: 'skip'",
  );
}
