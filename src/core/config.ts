import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { ConfigError } from './errors.js';
import { redactText } from './secret.js';
import type { Problem } from './source-definition.js';
import { type JsonSchema, shapesAt, unknownKey, unknownKeys } from './unknown-keys.js';

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
  return parseOptions(schema, options.config, { sourceId: options.id, name: 'config', isSecret: false });
}

/** As `parseConfig`, for credentials: no value is ever part of a message. */
export async function parseCredentials<Schema extends StandardSchemaV1>(
  schema: Schema,
  options: { id: string; credentials?: unknown },
): Promise<StandardSchemaV1.InferOutput<Schema>> {
  return parseOptions(schema, options.credentials, { sourceId: options.id, name: 'credentials', isSecret: true });
}

interface Subject {
  sourceId: string;
  /** The first part of every path. */
  name: string;
  /** Whether no value of the input may be told. */
  isSecret: boolean;
}

async function parseOptions<Schema extends StandardSchemaV1>(
  schema: Schema,
  input: unknown,
  { sourceId, name, isSecret }: Subject,
): Promise<StandardSchemaV1.InferOutput<Schema>> {
  const shape = shapeOf(schema) ?? {};
  const result = await schema['~standard'].validate(input);
  const unknown = unknownKeys(input, shape, [name]);
  if (result.issues === undefined && unknown.length === 0) return result.value;
  const values = isSecret ? valuesOf(input) : [];
  const issues = (result.issues ?? []).flatMap((issue) => describeIssue(issue, shape, name, values));
  throw new ConfigError(withoutRepeats([...unknown, ...issues]), { sourceId });
}

/** The schema as JSON Schema, where its library can tell. */
export function shapeOf(schema: StandardSchemaV1): JsonSchema | undefined {
  const standard = schema['~standard'] as StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props>;
  // What has no JSON Schema (dates, functions) is then left open, instead of nothing being told at all.
  const options = { target: 'draft-2020-12', libraryOptions: { unrepresentable: 'any' } } as const;
  try {
    return standard.jsonSchema?.input(options) as JsonSchema | undefined;
  } catch {
    return undefined;
  }
}

function describeIssue(
  issue: StandardSchemaV1.Issue,
  shape: JsonSchema,
  name: string,
  secrets: readonly string[],
): Problem[] {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
  const { keys } = issue as { keys?: unknown };
  if (Array.isArray(keys)) {
    return keys.map((key) => unknownKey(String(key), shapesAt(shape, path), [name, ...path]));
  }
  const telling = secrets.some((secret) => issue.message.includes(secret));
  const message = telling ? 'is not what is expected' : redactText(issue.message);
  return [{ severity: 'error', code: 'INVALID_CONFIG', message: `${[name, ...path].join('.')}: ${message}` }];
}

/** Every value within the input, as text; some schema libraries repeat them in their messages. */
function valuesOf(input: unknown): string[] {
  if (typeof input === 'object' && input !== null) return Object.values(input).flatMap(valuesOf);
  return input === undefined || input === null || input === '' ? [] : [String(input)];
}

/** A strict schema and the check for unknown keys report the same key. */
function withoutRepeats(problems: readonly Problem[]): Problem[] {
  const byMessage = new Map(problems.map((problem) => [problem.message, problem]));
  return [...byMessage.values()];
}
