import type { Problem, ValidationResult } from '../../core/source-definition.js';
import { validation } from '../../toolkit/validation.js';
import type { MongodbClient } from './client.js';
import type { ChangesConfig, MongodbConfig, PollingConfig } from './config.js';
import { survey } from './survey.js';
import type { BsonDocument } from './values.js';

/** Whether the database is reached, what is read is there and may be read, and what would help. */
export function inspect(
  client: MongodbClient,
  config: MongodbConfig,
  about: { sourceId: string; now: number },
  signal: AbortSignal,
): Promise<ValidationResult> {
  return validation(signal, () =>
    config.mode === 'polling'
      ? pollingProblems(client, config, about, signal)
      : changesProblems(client, config, signal),
  );
}

async function pollingProblems(
  client: MongodbClient,
  config: PollingConfig,
  about: { sourceId: string; now: number },
  signal: AbortSignal,
): Promise<Problem[]> {
  const { collection, cursorField, lagMs } = config;
  const problems: Problem[] = [];
  const surveyed = await survey(client, signal, config, about);
  if (surveyed === undefined) {
    const message = `there is no document in ${collection}, or no such collection: it is read as soon as there is`;
    return [{ severity: 'warning', code: 'MONGODB_EMPTY', message, fix: 'check the names of database and collection' }];
  }
  if (cursorField !== undefined) problems.push(...(await indexProblems(client, collection, cursorField, signal)));
  if (lagMs === 0) {
    const message = `what is written to ${collection} with an earlier ${cursorField ?? '_id'} after a later one was read is missed, as was declared`;
    problems.push({ severity: 'warning', code: 'MONGODB_LATE_WRITES', message });
  }
  return problems;
}

async function indexProblems(
  client: MongodbClient,
  collection: string,
  cursorField: string,
  signal: AbortSignal,
): Promise<Problem[]> {
  const indexes = await client.run(signal, (database) => database.collection(collection).indexes());
  if (indexes.some((index) => helps(index as BsonDocument, cursorField))) return [];
  const message = `no index of ${collection} is in the order of (${cursorField}, _id): every page sorts all that is left`;
  const fix = `db.getCollection(${JSON.stringify(collection)}).createIndex({ ${JSON.stringify(cursorField)}: 1, _id: 1 })`;
  return [{ severity: 'warning', code: 'MONGODB_INDEX', message, fix }];
}

function helps({ key, sparse, partialFilterExpression }: BsonDocument, cursorField: string): boolean {
  const [first, second] = Object.entries(key as BsonDocument);
  const isWhole = sparse !== true && partialFilterExpression === undefined;
  return isWhole && first?.[0] === cursorField && second?.[0] === '_id' && first[1] === second[1];
}

async function changesProblems(client: MongodbClient, config: ChangesConfig, signal: AbortSignal): Promise<Problem[]> {
  const { setName, msg } = await client.hello(signal);
  if (setName === undefined && msg !== 'isdbgrid') {
    const message = 'this server is alone, and has no change streams';
    return [
      {
        severity: 'error',
        code: 'MONGODB_NO_REPLICA_SET',
        message,
        fix: "make it a replica set, or use mode: 'polling'",
      },
    ];
  }
  // What may not be read is refused here.
  const { collection } = config;
  await client.run(signal, async (database) => {
    const stream = collection === undefined ? database.watch() : database.collection(collection).watch();
    try {
      await stream.tryNext();
    } finally {
      await stream.close();
    }
  });
  return [];
}
