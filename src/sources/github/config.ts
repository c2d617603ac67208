import { createPrivateKey } from 'node:crypto';
import * as z from 'zod';

/** What can be read of a repository. */
export const githubStreams = [
  'commits',
  'issues',
  'pulls',
  'issueComments',
  'reviewComments',
  'reviews',
  'releases',
  'tags',
  'workflowRuns',
  'stars',
  'events',
] as const;

export type GithubStream = (typeof githubStreams)[number];

const accountName = z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})$/, 'expected the login of an account');
const repositoryName = z
  .string()
  .regex(/^[\w.-]{1,100}$/, 'expected the name of a repository, without its owner')
  .refine((name) => name !== '.' && name !== '..', 'expected the name of a repository');
const fullName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}\/(?!\.{1,2}$)[\w.-]{1,100}$/,
    'expected "owner/name", as in "octokit/rest.js"',
  );
const pattern = z.string().min(1);

const instant = z
  .union([z.date(), z.iso.datetime({ offset: true }), z.iso.date()], {
    error: 'expected a Date, or text such as 2026-01-31 or 2026-01-31T12:00:00Z',
  })
  .transform((value) => new Date(value));

const baseUrl = z.string().superRefine((value, context) => {
  const problem = baseUrlProblem(value);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

/** What `GitHubSource.create` takes as `config`. One of `owner` with `repo`, `repos`, `org` and `user` is required. */
export const githubConfig = z
  .strictObject({
    /** Of one repository, with `repo`. */
    owner: accountName.optional(),
    repo: repositoryName.optional(),
    /** Several repositories: `['octokit/rest.js', 'octokit/core.js']`. */
    repos: z.array(fullName).min(1).optional(),
    /** All repositories of an organisation that the credentials may see, found anew in each round. */
    org: accountName.optional(),
    /** All repositories of a user: the public ones, and the private ones as well where the token is that user's own. */
    user: accountName.optional(),
    /** Default: commits, issues, pulls, issueComments, reviewComments, releases. */
    streams: z
      .array(z.enum(githubStreams))
      .min(1)
      .default(['commits', 'issues', 'pulls', 'issueComments', 'reviewComments', 'releases']),
    /** Of the stream `commits`: names or globs (`main`, `release/*`). Default: all branches. */
    branches: z.array(pattern).min(1).optional(),
    /** Leaves out what was last changed before. Of commits: with an earlier committer date. Default: everything. */
    since: instant.optional(),
    /** GitHub Enterprise Server: `https://HOST/api/v3`. */
    baseUrl: baseUrl.default('https://api.github.com'),
    /** With `org` and `user`: which repositories. */
    visibility: z.enum(['all', 'public', 'private']).default('all'),
    /** With `org` and `user`: also archived repositories. */
    archived: z.boolean().default(true),
    /** With `org` and `user`: also forks. */
    forks: z.boolean().default(true),
    /** With `org` and `user`: only repositories whose name, without the owner, matches one of these globs. */
    include: z.array(pattern).min(1).optional(),
    /** With `org` and `user`: but not those whose name matches one of these. */
    exclude: z.array(pattern).min(1).optional(),
    /** Repositories that are read at once. One repository is read one request after another. */
    concurrency: z.int().positive().max(50).default(4),
    /** How often `follow` asks, in milliseconds. */
    pollIntervalMs: z.int().positive().default(60_000),
    /** Requests of the hourly limit that are left to others who use the same credentials. */
    reserve: z.int().nonnegative().default(0),
    /** Adds the payload, as GitHub sent it, to `data` as `raw`. */
    raw: z.boolean().default(false),
  })
  .superRefine((config, context) => {
    const given = ['owner', 'repos', 'org', 'user'].filter((name) => name in config && config[name as 'owner'] != null);
    const problem = (message: string, path: string[] = []): void => {
      context.addIssue({ code: 'custom', message, path });
    };
    if ((config.owner === undefined) !== (config.repo === undefined)) {
      problem('owner and repo belong together', [config.owner === undefined ? 'owner' : 'repo']);
    } else if (given.length !== 1) {
      problem('expected exactly one of: owner with repo, repos, org, user');
    }
    if (config.branches !== undefined && !config.streams.includes('commits')) {
      problem('branches are of the stream "commits", which is not among the streams', ['branches']);
    }
  });

export type GithubConfig = z.output<typeof githubConfig>;
export type GithubConfigInput = z.input<typeof githubConfig>;

const token = z
  .string({ error: 'expected a token' })
  .regex(/^[\x21-\x7e]+$/, 'expected a token: text without spaces or line breaks');

/** What `GitHubSource.create` takes as `credentials`. */
export const githubCredentials = z.union(
  [
    z.literal('anonymous'),
    z.strictObject({ token }),
    z.strictObject({
      /** The client id or the number of the app. */
      appId: z.union([z.string().min(1), z.int().positive()]).transform(String),
      /** PEM, as GitHub gives it: PKCS#1 or PKCS#8. */
      privateKey: z
        .string()
        .refine(isRsaKey, 'expected an RSA key in PEM format: the contents of the file, with its line breaks'),
      installationId: z.union([z.string().regex(/^\d+$/), z.int().positive()]).transform(String),
    }),
    z.custom<TokenFunction>((value) => typeof value === 'function'),
  ],
  {
    error:
      "expected { token }, { appId, privateKey, installationId }, a function that gives a token, or 'anonymous' (60 requests an hour)",
  },
);

/** Gives the token that is valid now. Called before each request, so it should remember it. */
export type TokenFunction = (options: { signal: AbortSignal | undefined }) => string | Promise<string>;
export type GithubCredentials = z.output<typeof githubCredentials>;
export type GithubCredentialsInput = z.input<typeof githubCredentials>;

function isRsaKey(text: string): boolean {
  try {
    return createPrivateKey(text).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}

function baseUrlProblem(value: string): string | undefined {
  if (!URL.canParse(value)) return 'expected a URL such as https://github.example.com/api/v3';
  const url = new URL(value);
  if (url.username !== '' || url.password !== '') return 'must not hold user info: pass credentials instead';
  if (url.search !== '' || url.hash !== '') return 'must have neither query nor fragment';
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLocal)) return undefined;
  return 'must be https, since credentials are sent there (http only to this machine)';
}
