import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ConfigError, parseConfig, parseCredentials } from 'headwater';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const schema = z.object({
  owner: z.string(),
  pageSize: z.number().int().max(100).default(50),
  streams: z.array(z.enum(['issues', 'pulls'])).default(['issues']),
  retry: z.object({ attempts: z.number().optional() }).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  auth: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('basic'), user: z.string() }),
      z.object({ kind: z.literal('bearer'), audience: z.string().optional() }),
    ])
    .optional(),
  rules: z.array(z.object({ metric: z.string(), above: z.number().optional() })).optional(),
});

async function problemsOf(config: unknown, given: StandardSchemaV1 = schema): Promise<string[]> {
  const failure = await parseConfig(given, { id: 'mine', config }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ConfigError);
  const { problems, message, sourceId } = failure as ConfigError;
  expect(sourceId).toBe('mine');
  for (const problem of problems) expect(message).toContain(problem.message);
  return problems.map(({ message, fix }) => (fix === undefined ? message : `${message} (${fix})`));
}

it('gives what the schema gives, defaults filled in', async () => {
  expect(await parseConfig(schema, { id: 'mine', config: { owner: 'octokit' } })).toEqual({
    owner: 'octokit',
    pageSize: 50,
    streams: ['issues'],
  });
});

it('refuses a misspelt key with the nearest name', async () => {
  expect(await problemsOf({ owner: 'a', pagesize: 3 })).toEqual([
    'config.pagesize is not a known key (did you mean "pageSize"?)',
  ]);
  expect(await problemsOf({ owner: 'a', steams: [] })).toEqual([
    'config.steams is not a known key (did you mean "streams"?)',
  ]);
});

it('names the known keys where none is like it', async () => {
  expect(await problemsOf({ owner: 'a', somethingElse: 1 })).toEqual([
    expect.stringContaining('config.somethingElse is not a known key (known keys: owner, pageSize'),
  ]);
});

it('finds misspelt keys at any depth: in objects, arrays and unions', async () => {
  expect(await problemsOf({ owner: 'a', retry: { attempt: 3 } })).toEqual([
    'config.retry.attempt is not a known key (did you mean "attempts"?)',
  ]);
  expect(await problemsOf({ owner: 'a', rules: [{ metric: 'x' }, { metric: 'y', abov: 1 }] })).toEqual([
    'config.rules.1.abov is not a known key (did you mean "above"?)',
  ]);
  expect(await problemsOf({ owner: 'a', auth: { kind: 'bearer', audiance: 'x' } })).toEqual([
    'config.auth.audiance is not a known key (did you mean "audience"?)',
  ]);
});

it('leaves the keys of a record alone', async () => {
  const config = { owner: 'a', labels: { anything: 'goes', __proto: 'too' } };
  expect(await parseConfig(schema, { id: 'mine', config })).toMatchObject(config);
});

it('tells all problems at once, each with its path', async () => {
  const problems = await problemsOf({
    pagesize: 1,
    pageSize: 1_000,
    streams: ['issue', 'pulls'],
    retry: { attempts: 'x' },
  });
  expect(problems).toEqual([
    expect.stringContaining('config.pagesize'),
    expect.stringMatching(/^config\.owner: .*string/),
    expect.stringMatching(/^config\.pageSize: .*100/),
    expect.stringMatching(/^config\.streams\.0: .*"issues"\|"pulls"/),
    expect.stringMatching(/^config\.retry\.attempts: .*number/),
  ]);
});

it('a strict schema does not tell a key twice', async () => {
  const strict = z.strictObject({ owner: z.string() });
  expect(await problemsOf({ owner: 'a', ovner: 'b' }, strict)).toEqual([
    'config.ovner is not a known key (did you mean "owner"?)',
  ]);
});

it('keys that every object has by birth are not known keys', async () => {
  expect(await problemsOf(JSON.parse('{ "owner": "a", "__proto__": {}, "constructor": 1 }'))).toHaveLength(2);
});

it.each([null, undefined, 'text', 7, []])('refuses %j, which is no object', async (config) => {
  expect(await problemsOf(config)).not.toEqual([]);
});

it('works with a schema that cannot be told as JSON Schema', async () => {
  const special = z.object({ since: z.date(), inner: z.object({ until: z.date().optional() }).optional() });
  expect(await problemsOf({ since: new Date(), sinse: 1 }, special)).toEqual([
    'config.sinse is not a known key (did you mean "since"?)',
  ]);
  expect(await problemsOf({ since: new Date(), inner: { untill: 1 } }, special)).toHaveLength(1);
});

it('works with any Standard Schema, which may check later and know nothing of keys', async () => {
  const even: StandardSchemaV1<{ n: number }> = {
    '~standard': {
      version: 1,
      vendor: 'own',
      validate: async (value) => {
        const { n } = value as { n: number };
        return n % 2 === 0 ? { value: { n } } : { issues: [{ message: 'must be even', path: [{ key: 'n' }] }] };
      },
    },
  };
  expect(await parseConfig(even, { id: 'mine', config: { n: 2, extra: 1 } })).toEqual({ n: 2 });
  expect(await problemsOf({ n: 3 }, even)).toEqual(['config.n: must be even']);
});

describe('secrets', () => {
  const planted = 'hunter2-planted-secret';
  const telltale: StandardSchemaV1 = {
    '~standard': {
      version: 1,
      vendor: 'telltale',
      validate: (value) => ({
        issues: [{ message: `expected something else but received ${JSON.stringify(value)}`, path: ['token'] }],
      }),
    },
  };

  it('the value of a credential is never part of a message, whatever the schema library says', async () => {
    for (const credentials of [{ token: planted }, planted, { deep: { key: [planted] } }]) {
      const failure = await parseCredentials(telltale, { id: 'mine', credentials }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(ConfigError);
      expect(JSON.stringify(failure) + (failure as Error).stack).not.toContain(planted);
      expect((failure as Error).message).toContain('credentials.token');
    }
  });

  it('the credentials within a URL of the config are not part of a message either', async () => {
    const config = { url: `https://user:${planted}@example.com/` };
    const failure = await parseConfig(telltale, { id: 'mine', config }).catch((error: unknown) => error);
    expect((failure as Error).message).not.toContain(planted);
  });

  it('a wrong credential is told by its path', async () => {
    const failure = await parseCredentials(z.object({ token: z.string().min(100) }), {
      id: 'mine',
      credentials: { token: planted },
    }).catch((error: unknown) => error);
    expect((failure as Error).message).toMatch(/credentials\.token/);
    expect((failure as Error).message).not.toContain(planted);
  });
});
