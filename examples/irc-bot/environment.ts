import { ConfigError } from 'headwater';
import type { ScalarTag } from 'yaml';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `!env NAME` in the settings: no secret is in a file. */
class Variable {
  constructor(readonly name: string) {}
}

export const environmentTag: ScalarTag = { tag: '!env', resolve: (name) => new Variable(name) };

/**
 * The same, with the values of variables in their places.
 * @throws ConfigError when one is not set
 */
export function resolved<Value>(value: Value, environment: Environment): Value {
  if (value instanceof Variable) return variable(value.name, environment) as Value;
  if (Array.isArray(value)) return value.map((each) => resolved<unknown>(each, environment)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, resolved<unknown>(each, environment)]);
  return Object.fromEntries(entries) as Value;
}

function variable(name: string, environment: Environment): string {
  const value = environment[name];
  if (value !== undefined) return value;
  const code = 'ENVIRONMENT_VARIABLE';
  const message = `the environment variable ${name} is not set`;
  throw new ConfigError([{ severity: 'error', code, message, fix: 'set it, or disable what needs it' }], { code });
}
