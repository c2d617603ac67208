import { nearest } from './nearest.js';
import type { Problem } from './source-definition.js';

/** The part of JSON Schema that tells which keys there are. */
export interface JsonSchema {
  type?: string | readonly string[];
  const?: unknown;
  properties?: Readonly<Record<string, JsonSchema>>;
  required?: readonly string[];
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema | boolean;
  anyOf?: readonly JsonSchema[];
  oneOf?: readonly JsonSchema[];
  allOf?: readonly JsonSchema[];
}

/** Keys of the input, at any depth, that its schema does not know: most schemas drop them without a word. */
export function unknownKeys(input: unknown, schema: JsonSchema, path: readonly string[]): Problem[] {
  if (typeof input !== 'object' || input === null) return [];
  const shapes = alternatives(schema).filter((shape) => mayBe(shape, input));
  if (shapes.length === 0 || shapes.some(isAnything)) return [];
  if (Array.isArray(input)) {
    const items = { anyOf: shapes.map((shape) => asSchema(shape.items)) };
    return input.flatMap((item, index) => unknownKeys(item, items, [...path, String(index)]));
  }
  return Object.keys(input).flatMap((key) => {
    const inner = shapes.flatMap((shape) => schemaOfKey(shape, key));
    if (inner.length === 0) return [unknownKey(key, shapes, path)];
    return unknownKeys(Reflect.get(input, key), { anyOf: inner }, [...path, key]);
  });
}

/** The problem of one such key, with the name that was probably meant. */
export function unknownKey(key: string, shapes: readonly JsonSchema[], path: readonly string[]): Problem {
  const known = [...new Set(shapes.flatMap(({ properties }) => Object.keys(properties ?? {})))];
  const meant = nearest(key, known);
  const fix = meant === undefined ? `known keys: ${known.join(', ')}` : `did you mean "${meant}"?`;
  return { severity: 'error', code: 'UNKNOWN_KEY', message: `${[...path, key].join('.')} is not a known key`, fix };
}

/** What the schema of a path may be. */
export function shapesAt(schema: JsonSchema, path: readonly string[]): readonly JsonSchema[] {
  let shapes = alternatives(schema);
  for (const key of path) {
    shapes = shapes.flatMap((shape) => [...schemaOfKey(shape, key), asSchema(shape.items)]).flatMap(alternatives);
  }
  return shapes;
}

function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  const { anyOf = [], oneOf = [], allOf = [] } = schema;
  const parts = [...anyOf, ...oneOf, ...allOf];
  if (parts.length === 0) return [schema];
  return [...(schema.properties === undefined ? [] : [schema]), ...parts.flatMap(alternatives)];
}

/** Whether an object or array can be meant by the schema, as far as types and constants tell. */
function mayBe({ type, properties = {} }: JsonSchema, input: object): boolean {
  if (type !== undefined && ![type].flat().includes(Array.isArray(input) ? 'array' : 'object')) return false;
  return Object.entries(properties).every(([key, { const: constant }]) => {
    return constant === undefined || !Object.hasOwn(input, key) || Reflect.get(input, key) === constant;
  });
}

/** A schema that says nothing that is understood here. */
function isAnything({ type, properties }: JsonSchema): boolean {
  return type === undefined && properties === undefined;
}

function schemaOfKey({ properties = {}, additionalProperties = false, type }: JsonSchema, key: string): JsonSchema[] {
  const own = Object.hasOwn(properties, key) ? properties[key] : undefined;
  if (own !== undefined) return [own];
  return type === 'array' || additionalProperties === false ? [] : [asSchema(additionalProperties)];
}

function asSchema(schema: JsonSchema | boolean | undefined): JsonSchema {
  return typeof schema === 'object' ? schema : {};
}
