import * as z from 'zod';
import { isAboutFields } from './match.js';

/** The host's `MongoClient`. */
export interface MongoClientInstance {
  db(name?: string): object;
  startSession(): object;
  close(): Promise<unknown>;
}

const client = z.custom<MongoClientInstance>(
  (value) => hasMethods(value, ['db', 'startSession', 'close']),
  'expected a MongoClient, or a URL: mongodb://host, mongodb+srv://…',
);

const url = z
  .string()
  .regex(/^mongodb(\+srv)?:\/\//, 'expected a URL: mongodb://host, mongodb+srv://…')
  .refine((value) => !/^[a-z+]+:\/\/[^/?]*@/i.test(value), {
    error: 'must not hold a user or password: put them, or the whole URL, into credentials',
  });

const name = z.string().min(1);
const field = z.string().regex(/^[^$.\0][^\0]*$/, 'expected the path of a field: price, address.city');

/** Operators that run code on the server. */
const CODE = new Set(['$where', '$function', '$accumulator']);

const filter = z
  .record(z.string(), z.unknown())
  .refine((value) => !holdsCode(value), `must not run code on the server (${[...CODE].join(', ')})`);

const what = {
  /** The host's `MongoClient`, or a URL without user info. Default: the URL of the credentials. */
  client: z.union([client, url]).optional(),
  /** The name of the database. */
  database: name,
  /** Documents that do not match are left out: a filter of `find`, as plain data. Default: all are read. */
  filter: filter.optional(),
  /** The server gives up what takes longer, in milliseconds. */
  maxTimeMs: z.int().positive().default(30_000),
  /** Which members are asked. Default: as the URL or the host's client says. */
  readPreference: z.enum(['primary', 'primaryPreferred', 'secondary', 'secondaryPreferred', 'nearest']).optional(),
  /** Documents read at once. */
  pageSize: z.int().min(1).max(100_000).default(1_000),
};

const polling = z.strictObject({
  mode: z.literal('polling'),
  ...what,
  collection: name,
  /** Fields that are read besides those that are needed. Default: all. */
  fields: z.array(field).min(1).optional(),
  /** A field that grows with every change, such as `updatedAt`. Default: none; then documents are read in the order of `_id`. */
  cursorField: field.optional(),
  /** Where the time of events comes from: a field with a date. Default: the cursor field, if it holds dates. */
  timeField: field.optional(),
  /** A field that equals the cursor field as long as a document was never changed: tells inserted from updated. */
  createdField: field.optional(),
  /** Documents never change: every event is `db.document.inserted`. Default: true without a cursor field. */
  appendOnly: z.boolean().optional(),
  /** Documents whose cursor field is missing or null: 'error', or 'skip' them. */
  missing: z.enum(['error', 'skip']).default('error'),
  /**
   * Documents are read when their cursor value, a date or an ObjectId, is so old, in milliseconds: what is written with an
   * earlier value after a later one was read is missed. Other values have no age: 0 says that they grow with every write.
   */
  lagMs: z.int().min(0).max(86_400_000).default(10_000),
  /** With `follow`: how often is looked for changes, in milliseconds. */
  pollIntervalMs: z.int().positive().default(5_000),
});

const changes = z.strictObject({
  mode: z.literal('changes'),
  ...what,
  /** The collection whose changes are read. Default: all of the database. */
  collection: name.optional(),
  /**
   * What of an updated document is sent along: 'updateLookup', as it is when the event is made; 'whenAvailable' and
   * 'required', as it was after the change, where the collection keeps such images; 'default', only what changed.
   */
  fullDocument: z.enum(['default', 'updateLookup', 'whenAvailable', 'required']).default('updateLookup'),
  /** The document before the change, where the collection keeps such images. */
  fullDocumentBeforeChange: z.enum(['off', 'whenAvailable', 'required']).default('off'),
  /** 'initial': without a cursor the documents that are there come first, then every change after them. Needs a collection. */
  snapshot: z.enum(['initial', 'never']).default('never'),
  /** Events of more than 16 MB come in parts, which are put together again. MongoDB 6.0.9, 7.0 and later. */
  splitLargeEvents: z.boolean().default(false),
  /** How long the server waits for a change before it answers that there is none, in milliseconds. */
  maxAwaitTimeMs: z.int().positive().max(60_000).default(1_000),
});

/** What `MongodbSource.create` takes as `config`. */
export const mongodbConfig = z
  .discriminatedUnion('mode', [polling, changes])
  .refine((config) => config.mode === 'polling' || config.snapshot === 'never' || config.collection !== undefined, {
    error: 'a snapshot needs a collection',
    path: ['collection'],
  })
  .refine((config) => config.mode === 'polling' || config.filter === undefined || isAboutFields(config.filter), {
    error: 'for changes only conditions on fields, and $and, $or, $nor of such',
    path: ['filter'],
  });

const text = z.string().min(1);

/** What `MongodbSource.create` takes as `credentials`. */
export const mongodbCredentials = z.union([
  /** The whole URL, with user and password. */
  z.strictObject({ url: text }),
  z.strictObject({ user: text, password: z.string(), authSource: text.optional() }),
]);

export type MongodbConfig = z.output<typeof mongodbConfig>;
export type MongodbConfigInput = z.input<typeof mongodbConfig>;
export type MongodbCredentials = z.input<typeof mongodbCredentials>;
export type PollingConfig = Extract<MongodbConfig, { mode: 'polling' }>;
export type ChangesConfig = Extract<MongodbConfig, { mode: 'changes' }>;

function holdsCode(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => CODE.has(key) || holdsCode(inner));
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((each) => typeof (value as Record<string, unknown>)[each] === 'function');
}
