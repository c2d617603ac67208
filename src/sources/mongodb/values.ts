import type { Binary, BSON, Timestamp } from './client.js';
import type { MongodbDocument, MongodbValue } from './events.js';

/** A document as the driver gives it, with numbers of 64 bits as objects. */
export type BsonDocument = Record<string, unknown>;

const UUID_SUBTYPE = 4;

/**
 * A document as it stands in events: whatever JSON has is itself, and everything else is text of every digit. The page of
 * this source has the table.
 */
export function toDocument(document: BsonDocument): MongodbDocument {
  const made: Record<string, MongodbValue> = {};
  for (const name in document) {
    // A field that is called so by whoever wrote it is a field, and no prototype.
    if (name === '__proto__') Object.defineProperty(made, name, { value: toValue(document[name]), enumerable: true });
    else made[name] = toValue(document[name]);
  }
  return made;
}

/** One value of a document, as it stands in events. */
export function toValue(value: unknown): MongodbValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return String(value);
    case 'object':
      break;
    default:
      return null;
  }
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(toValue);
  if (value instanceof Date) return dateText(value);
  const kind = (value as { _bsontype?: unknown })._bsontype;
  return typeof kind === 'string' ? ofKind(kind, value) : toDocument(value as BsonDocument);
}

/** A date out of what ISO 8601 holds is its number of milliseconds. */
function dateText(date: Date): string {
  const milliseconds = date.getTime();
  return Number.isNaN(milliseconds) ? 'NaN' : date.toISOString();
}

function ofKind(kind: string, value: object): MongodbValue {
  switch (kind) {
    case 'ObjectId':
    case 'Long':
    case 'Decimal128':
      return String(value);
    case 'Int32':
    case 'Double':
      return toValue((value as { valueOf(): number }).valueOf());
    case 'Binary':
      return binary(value as Binary);
    case 'Timestamp':
      return { t: (value as Timestamp).getHighBitsUnsigned(), i: (value as Timestamp).getLowBitsUnsigned() };
    case 'BSONRegExp': {
      const { pattern, options } = value as { pattern: string; options: string };
      return `/${pattern}/${options}`;
    }
    case 'BSONSymbol':
    case 'Code':
      return String((value as { value?: unknown; code?: unknown }).value ?? (value as { code?: unknown }).code);
    case 'MinKey':
    case 'MaxKey':
      return kind;
    default: {
      const { _bsontype: _, ...rest } = value as BsonDocument;
      return toDocument(rest);
    }
  }
}

function binary(value: Binary): MongodbValue {
  if (value.sub_type === UUID_SUBTYPE && value.position === 16) {
    const hex = Buffer.from(value.buffer.subarray(0, 16)).toString('hex');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }
  return { data_base64: Buffer.from(value.buffer.subarray(0, value.position)).toString('base64') };
}

/** A key as text, for ids and subjects: the same for the same key, another for every other of its type. */
export function keyText(key: unknown): string {
  const value = toValue(key);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Values as text that keeps their type and every digit, for cursors. */
export class ExactText {
  readonly #ejson: typeof BSON.EJSON;
  readonly #double: typeof BSON.Double;

  constructor({ EJSON, Double }: Pick<typeof BSON, 'EJSON' | 'Double'>) {
    this.#ejson = EJSON;
    this.#double = Double;
  }

  write(value: unknown): string {
    return this.#ejson.stringify({ v: this.#typed(value) }, { relaxed: false });
  }

  /** Of numbers of 64 bits and doubles the type stays: 1 and 1.0 are compared alike, but written otherwise. */
  read(text: string): unknown {
    return (this.#ejson.parse(text, { relaxed: false }) as { v: unknown }).v;
  }

  /** A number of the driver is of 32 bits or a double; a whole one beyond 32 bits would be written as one of 64. */
  #typed(value: unknown): unknown {
    if (typeof value === 'number') return (value | 0) === value ? value : new this.#double(value);
    if (Array.isArray(value)) return value.map((each) => this.#typed(each));
    const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
    if (!isPlain) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, this.#typed(each)]));
  }
}

/**
 * What MongoDB compares with what: `$gt` finds values of the same group alone.
 * @see https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
 */
export function groupOf(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'number' || typeof value === 'bigint') return 'number';
  if (Array.isArray(value)) return 'array';
  if (value instanceof Date) return 'date';
  if (typeof value !== 'object') return typeof value;
  const kind = (value as { _bsontype?: unknown })._bsontype;
  if (kind === undefined) return 'object';
  return ['Long', 'Int32', 'Double', 'Decimal128'].includes(String(kind)) ? 'number' : String(kind);
}

/** The value at a path of fields; undefined where there is none. */
export function valueAt(document: BsonDocument, path: string): unknown {
  let value: unknown = document;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as BsonDocument)[name];
  }
  return value;
}
