import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { ConfigError } from './errors.js';
import { nearest } from './nearest.js';
import type { Problem } from './source-definition.js';

type JsonSchema = {
  properties?: Readonly<Record<string, JsonSchema>>;
  additionalProperties?: unknown;
  items?: unknown;
};

/**
 * What `create` calls: checks a configuration against any Standard Schema. Strict: keys that the schema does not know
 * are refused with the nearest name, all problems at once, each with its path and what was expected.
 *
 * @throws ConfigError
 * @see https://standardschema.dev
 */
export async function parseConfig<Schema extends StandardSchemaV1>(
  schema: Schema,
  options: { id: string; config: unknown },
): Promise<StandardSchemaV1.InferOutput<Schema>> {
  return parseOptions(schema, options.config, { sourceId: options.id, name: 'config' });
}

/** As `parseConfig`, for credentials: no value is ever part of a message. */
export async function parseCredentials<Schema extends StandardSchemaV1>(
  schema: Schema,
  options: { id: string; credentials?: unknown },
): Promise<StandardSchemaV1.InferOutput<Schema>> {
  return parseOptions(schema, options.credentials, { sourceId: options.id, name: 'credentials' });
}

async function parseOptions<Schema extends StandardSchemaV1>(
  schema: Schema,
  input: unknown,
  { sourceId, name }: { sourceId: string; name: string },
): Promise<StandardSchemaV1.InferOutput<Schema>> {
  const shape = shapeOf(schema);
  const result = await schema['~standard'].validate(input);
  const unknown = unknownKeys(input, shape, [name]);
  if (result.issues === undefined && unknown.length === 0) return result.value;
  const issues = (result.issues ?? []).flatMap((issue) => describeIssue(issue, shape, name));
  throw new ConfigError(withoutRepeats([...unknown, ...issues]), { sourceId });
}

/** The schema as JSON Schema, where its library can tell. */
export function shapeOf(schema: StandardSchemaV1): JsonSchema | undefined {
  const standard = schema['~standard'] as StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props>;
  try {
    return standard.jsonSchema?.input({ target: 'draft-2020-12' }) as JsonSchema | undefined;
  } catch {
    return keysOnly(schema);
  }
}

/** Schemas with dates or functions have no JSON Schema; their key names are enough to find misspelt ones. */
function keysOnly(schema: StandardSchemaV1): JsonSchema | undefined {
  const { shape } = schema as { shape?: Readonly<Record<string, StandardSchemaV1>> };
  if (typeof shape !== 'object' || shape === null) return undefined;
  const properties: Record<string, JsonSchema> = {};
  for (const [key, value] of Object.entries(shape)) properties[key] = shapeOf(value) ?? {};
  return { properties };
}

function unknownKeys(input: unknown, shape: JsonSchema | undefined, path: readonly string[]): Problem[] {
  if (shape === undefined || typeof input !== 'object' || input === null) return [];
  if (Array.isArray(input)) {
    return input.flatMap((item, index) => unknownKeys(item, shape.items as JsonSchema, [...path, String(index)]));
  }
  const { properties, additionalProperties } = shape;
  if (properties === undefined) return [];
  const isOpen = additionalProperties !== undefined && additionalProperties !== false;
  return Object.keys(input).flatMap((key) => {
    if (Object.hasOwn(properties, key)) return unknownKeys(Reflect.get(input, key), properties[key], [...path, key]);
    return isOpen ? [] : [unknownKey(key, Object.keys(properties), path)];
  });
}

function unknownKey(key: string, known: readonly string[], path: readonly string[]): Problem {
  const meant = nearest(key, known);
  const fix = meant === undefined ? `known keys: ${known.join(', ')}` : `did you mean "${meant}"?`;
  return { severity: 'error', code: 'UNKNOWN_KEY', message: `${[...path, key].join('.')} is not a known key`, fix };
}

function describeIssue(issue: StandardSchemaV1.Issue, shape: JsonSchema | undefined, name: string): Problem[] {
  const path = [name, ...(issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part))];
  const { keys } = issue as { keys?: unknown };
  if (Array.isArray(keys)) return keys.map((key) => unknownKey(String(key), Object.keys(shapeAt(shape, path)), path));
  return [{ severity: 'error', code: 'INVALID_CONFIG', message: `${path.join('.')}: ${issue.message}` }];
}

function shapeAt(shape: JsonSchema | undefined, path: readonly string[]): Readonly<Record<string, JsonSchema>> {
  let at = shape;
  for (const key of path.slice(1)) at = at?.properties?.[key];
  return at?.properties ?? {};
}

/** A strict schema and the check for unknown keys report the same key. */
function withoutRepeats(problems: readonly Problem[]): Problem[] {
  const byMessage = new Map(problems.map((problem) => [problem.message, problem]));
  return [...byMessage.values()];
}
