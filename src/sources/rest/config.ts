import type { StandardSchemaV1 } from '@standard-schema/spec';
import * as z from 'zod';

/** Finds values in an answer, or in an item. */
export type Finder = (value: unknown) => unknown;

const finder = z.custom<Finder>((value) => typeof value === 'function', 'expected a JSONPath, or a function');
const path = z.string().startsWith('$', 'expected a JSONPath: $.data.items[*]').max(1_000);
const find = z.union([path, finder]);
const schema = z.custom<StandardSchemaV1>(
  (value) => typeof (value as { '~standard'?: { validate?: unknown } } | null)?.['~standard']?.validate === 'function',
  'expected a schema of zod, valibot, arktype or the like (Standard Schema)',
);

const name = z.string().min(1);
const texts = z.record(z.string(), z.string());
const values = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const milliseconds = z.int().min(0).max(2_592_000_000);

const url = z
  .string()
  .regex(/^https?:\/\//i, 'expected a URL: https://api.example.com/items')
  .refine((value) => !/^https?:\/\/[^/?#]*@/i.test(value), {
    error: 'must not hold a user or password: put them into credentials',
  });

const size = z.strictObject({ parameter: name, value: z.int().positive() });

const pagination = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('none') }),
  /** The `Link` header (RFC 8288). */
  z.strictObject({ by: z.literal('link') }),
  /** A URL in the answer. */
  z.strictObject({ by: z.literal('url'), next: find }),
  /** A token in the answer, sent back as a parameter of the query. */
  z.strictObject({ by: z.literal('cursor'), next: find, parameter: name }),
  /** Numbers of pages. */
  z.strictObject({
    by: z.literal('page'),
    parameter: name.default('page'),
    first: z.int().min(0).default(1),
    size: size.optional(),
  }),
  /** How many items to leave out. */
  z.strictObject({ by: z.literal('offset'), parameter: name.default('offset'), size: size.optional() }),
]);

const auth = z.discriminatedUnion('scheme', [
  z.strictObject({ scheme: z.literal('bearer') }),
  z.strictObject({ scheme: z.literal('basic') }),
  z.strictObject({ scheme: z.literal('key'), in: z.enum(['header', 'query']).default('header'), name }),
  z.strictObject({
    scheme: z.literal('oauth2'),
    /** Where tokens are had. */
    tokenUrl: url,
    grant: z.enum(['client_credentials', 'refresh_token']).default('client_credentials'),
    scope: z.string().optional(),
    /** More parameters of the request for a token, such as `audience`. */
    parameters: texts.default({}),
    /** How the client says who it is: by HTTP Basic, or within the form. */
    client: z.enum(['basic', 'form']).default('basic'),
    /** A token is renewed so long before it expires, in milliseconds. */
    skewMs: milliseconds.default(60_000),
  }),
]);

const detect = z.discriminatedUnion('by', [
  /** Whatever is in an item, but for `exclude`. */
  z.strictObject({ by: z.literal('content'), exclude: z.array(name).default([]) }),
  /** A version, a revision, a time of change. */
  z.strictObject({ by: z.literal('version'), version: find }),
  /** The API gives what changed since: a time or a number that grows with every change. */
  z.strictObject({
    by: z.literal('watermark'),
    field: find,
    /** The parameter of the query that takes the last value. */
    parameter: name,
    /** Where it begins without a cursor. Default: the parameter is left out. */
    since: z.union([z.string(), z.number()]).optional(),
    /** Times: so long before is asked for again, in milliseconds, for what becomes visible late. */
    overlapMs: milliseconds.default(0),
  }),
]);

const shape = z.strictObject({
  /** Where the items are. `{name}` stands for a value of `parameters`, percent-encoded. */
  url,
  parameters: values.default({}),
  method: z.enum(['GET', 'POST', 'PUT']).default('GET'),
  query: values.default({}),
  headers: texts.default({}),
  /** Sent as JSON, unless it is text. */
  body: z.unknown().optional(),
  /** A POST that only reads: may be sent again. Default: true for other methods. */
  idempotent: z.boolean().optional(),
  auth: auth.optional(),
  pagination: pagination.default({ by: 'none' }),
  maxPages: z.int().positive().default(10_000),
  /** The items of an answer: a JSONPath, or a function of the body. Default `$[*]`: the body is a list. */
  items: find.default('$[*]'),
  /** What tells an item from all others: a JSONPath within the item, or a function. */
  id: find.default('$.id'),
  /** The time of events. Default: none. */
  time: find.optional(),
  /** How changes are found. */
  detect: detect.default({ by: 'content', exclude: [] }),
  /** 'emit': the items of the first pass are events. 'skip': they are what the next one is compared with. */
  baseline: z.enum(['emit', 'skip']).default('emit'),
  /** Items that do not fit are set aside, and told. */
  schema: schema.optional(),
  /** With `follow`: how often is asked, in milliseconds. */
  pollIntervalMs: z.int().positive().default(60_000),
  /** As long as nothing changes the pause doubles, up to this. Default: `pollIntervalMs`. */
  maxPollIntervalMs: z.int().positive().optional(),
  /** Hosts, addresses and networks that may be connected to though they are not public: 'intranet.example', '10.0.0.0/8'. */
  allowHosts: z.array(name).default([]),
  maxBodyBytes: z.int().positive().default(33_554_432),
  timeoutMs: z.int().positive().default(60_000),
});

/** What `RestSource.create` takes as `config`. */
export const restConfig = shape.refine(
  ({ url, parameters }) => namesIn(url).every((name) => Object.hasOwn(parameters, name)),
  {
    error: 'names in braces that parameters has no value for',
    path: ['url'],
  },
);

const text = z.string().min(1);

/** What `RestSource.create` takes as `credentials`. */
export const restCredentials = z.union([
  z.strictObject({ token: text }),
  z.strictObject({ user: text, password: z.string() }),
  z.strictObject({ key: text }),
  z.strictObject({
    clientId: text,
    clientSecret: text,
    refreshToken: text.optional(),
    /** Told of a new refresh token, where the server gives one with each token: keep it. */
    onRefreshToken: z.custom<(token: string) => void>((value) => typeof value === 'function').optional(),
  }),
  /** Headers for each request, however they are come by. */
  z.strictObject({
    headers: z.custom<(signal: AbortSignal) => Promise<Record<string, string>>>((value) => typeof value === 'function'),
  }),
]);

export type RestConfig = z.output<typeof restConfig>;
export type RestConfigInput = z.input<typeof restConfig>;
export type RestCredentials = z.input<typeof restCredentials>;
export type RestAuth = z.output<typeof auth>;
export type Detect = z.output<typeof detect>;

/** What stands in braces. */
function namesIn(url: string): string[] {
  return [...url.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
}
