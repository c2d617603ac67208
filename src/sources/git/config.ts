import * as z from 'zod';

// Taken over from git's own rules for names, with room for glob characters.
// https://git-scm.com/docs/git-check-ref-format
const REF_RULES: readonly (readonly [RegExp, string])[] = [
  [/^-/, 'must not begin with "-"'],
  [/\.\./, 'must not contain ".."'],
  [/@\{/, 'must not contain "@{"'],
  [/[\p{Cc} ]/u, 'must not contain spaces or control characters'],
  [/[~^:\\]/, 'must not contain any of ~ ^ : \\'],
  [/^\/|\/\/|\/$/, 'must not begin or end with "/", or contain "//"'],
];

const PATH_RULES: readonly (readonly [RegExp, string])[] = [
  [/^-/, 'must not begin with "-"'],
  [/(?:^|\/)\.\.(?:\/|$)/, 'must not contain ".." as a directory'],
  [/@\{/, 'must not contain "@{"'],
  [/[\0\r\n]/, 'must not contain NUL or line breaks'],
  [/^:/, 'must not begin with ":" (no pathspec magic)'],
  [/^\//, 'must be relative to the top of the repository'],
];

const DIRECTORY_RULES: readonly (readonly [RegExp, string])[] = [
  [/^-/, 'must not begin with "-" (write ./ before it)'],
  [/[\0\r\n]/, 'must not contain NUL or line breaks'],
  [/^[a-z][a-z0-9+.-]*:\/\//i, 'must be a local directory; clone a remote repository first'],
];

function text(rules: readonly (readonly [RegExp, string])[]): z.ZodString {
  return z
    .string()
    .min(1)
    .superRefine((value, context) => {
      for (const [pattern, message] of rules) if (pattern.test(value)) context.addIssue({ code: 'custom', message });
    });
}

const instant = z
  .union([z.date(), z.iso.datetime({ offset: true }), z.iso.date()], {
    error: 'expected a Date, or text such as 2026-01-31 or 2026-01-31T12:00:00Z',
  })
  .transform((value) => new Date(value));

/** What `GitSource.create` takes as `config`. */
export const gitConfig = z
  .strictObject({
    /** The top directory of a repository, or a bare one. Parent directories are not searched. */
    dir: text(DIRECTORY_RULES),
    /**
     * Names (`main`, `refs/heads/main`, `HEAD`) or globs (`release/*`, `v*`, `refs/remotes/origin/**`; `*` stops at
     * `/`). Default: all branches and tags, and `HEAD` while it is detached.
     */
    refs: z.array(text(REF_RULES)).min(1).optional(),
    /** Globs relative to the top of the repository: only commits that change a matching file. Default: all. */
    paths: z.array(text(PATH_RULES)).min(1).optional(),
    /** The first sync brings only so many commits, the newest. Later runs bring all that is new. Default: no limit. */
    maxCommits: z.int().positive().optional(),
    /** Leaves out commits with an earlier committer date, without stopping at them. Needs git 2.37. */
    since: instant.optional(),
    /** Follow only the first parent of merges, and list the files of a merge against it. Needs git 2.37. */
    firstParent: z.boolean().default(false),
    /** List the files each commit changes. */
    files: z.boolean().default(true),
    /** Tell renames from a deletion and an addition. */
    renames: z.boolean().default(true),
    /** Commits that add and delete more files than this are not searched for inexact renames. */
    renameLimit: z.int().positive().default(1000),
    /** Count added and deleted lines per file; some 20 times dearer than listing files. */
    numstat: z.boolean().default(false),
    /** How often `follow` looks for something new, in milliseconds. */
    pollIntervalMs: z.int().positive().default(5_000),
    /** Read a repository that belongs to another user, as `git config safe.directory` would allow for `dir` alone. */
    trustOwner: z.boolean().default(false),
  })
  .refine(({ files, numstat }) => files || !numstat, { path: ['numstat'], message: 'numstat needs files: true' });

export type GitConfig = z.output<typeof gitConfig>;
export type GitConfigInput = z.input<typeof gitConfig>;
