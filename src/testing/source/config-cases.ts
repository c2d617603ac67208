import assert from 'node:assert/strict';
import { shapeOf } from '../../core/config.js';
import { ConfigError } from '../../core/errors.js';
import type { JsonSchema } from '../../core/unknown-keys.js';
import type { SourceCase, StartOptions, Trial } from './trial.js';

/** What a source refuses to be made of. */
export const configCases: readonly SourceCase[] = [
  {
    name: 'a configuration without one of its required keys is refused, and the key is named',
    async check(trial) {
      const { config } = trial.world;
      for (const path of requiredPaths(shapeOf(trial.definition.config) ?? {}, config)) {
        const message = await refusal(trial, { config: without(config, path) }, `without "${path.join('.')}"`);
        assert.ok(message.includes(path.at(-1) ?? ''), `without "${path.join('.')}" it is not named: ${message}`);
      }
    },
  },
  {
    name: 'a key that is misspelt is refused, and named',
    async check(trial) {
      const config = { ...(trial.world.config as object) };
      for (const key of [...Object.keys(config), 'nonsense']) {
        const misspelt = `${key}x`;
        const { [key]: value, ...others } = config as Record<string, unknown>;
        const message = await refusal(trial, { config: { ...others, [misspelt]: value } }, `with "${misspelt}"`);
        assert.ok(message.includes(misspelt), `the misspelt key "${misspelt}" is not named: ${message}`);
      }
    },
  },
  {
    name: 'credentials that are not there are refused, each of them',
    needs: ['credentials'],
    async check(trial) {
      await refusal(trial, { credentials: undefined }, 'without credentials');
      const { credentials } = trial.world;
      if (typeof credentials !== 'object' || credentials === null) return;
      for (const key of Object.keys(credentials)) {
        await refusal(trial, { credentials: { ...credentials, [key]: undefined } }, `with "${key}" undefined`);
      }
    },
  },
];

async function refusal(trial: Trial, changes: StartOptions, how: string): Promise<string> {
  const error = await trial.start(changes).then(
    () => assert.fail(`a source was made ${how}`),
    (reason: unknown) => reason,
  );
  assert.ok(ConfigError.isInstance(error), `${how} it is refused with ${String(error)}, not with a ConfigError`);
  return error.message;
}

/** Where the schema asks for a key that the configuration has. */
function requiredPaths(schema: JsonSchema, config: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof config !== 'object' || config === null) return [];
  const own = (schema.required ?? []).filter((key) => Object.hasOwn(config, key)).map((key) => [...path, key]);
  const inner = Object.entries(schema.properties ?? {}).flatMap(([key, property]) =>
    requiredPaths(property, Reflect.get(config, key), [...path, key]),
  );
  return [...own, ...inner];
}

function without(config: unknown, [key = '', ...rest]: readonly string[]): unknown {
  const { [key]: inner, ...others } = config as Record<string, unknown>;
  return rest.length === 0 ? others : { ...others, [key]: without(inner, rest) };
}
