import * as z from 'zod';

const glob = z
  .string()
  .min(1)
  .refine((value) => !value.includes('\0'), 'must not contain NUL');
const globs = z.union([glob.transform((one) => [one]), z.array(glob).min(1)]);
const milliseconds = z.int().nonnegative();

/** What sources that read log files take in common. */
export const logFiles = {
  /** What is read: globs, relative to `dir` or absolute; `*` stops at `/`, `**` does not. */
  files: globs,
  /** Default: the directory of the process. */
  dir: glob.default('.'),
  /** Globs of files and directories that are left out. */
  exclude: z.array(glob).default([]),
  /**
   * The very first run: from the 'beginning' of files that are there, or from their 'end', or what is of this time
   * (RFC 3339) or later. Files that come later are read from their beginning.
   */
  start: z.union([z.enum(['beginning', 'end']), z.iso.datetime({ offset: true })]).default('beginning'),
  encoding: z.enum(['utf-8', 'latin1']).default('utf-8'),
  /** Longest line, in bytes. */
  maxLineBytes: z.int().min(16).default(1_048_576),
  /** A longer one comes in parts ('split'), or its beginning alone ('truncate'). */
  tooLong: z.enum(['split', 'truncate']).default('split'),
  /**
   * Where rotated files are: globs relative to the directory of the file, the last part alone with `*`. Default: the same
   * directory, the name with a number or date (`app.log.1`, `app.log-20261125.gz`, `app-2026-11-25.log`).
   */
  rotated: z.array(glob).min(1).optional(),
  /** With `follow`: have the system tell of changes. */
  watch: z.boolean().default(true),
  /** With `follow`, where the system does not tell of changes: how often files are looked at, in milliseconds. */
  pollIntervalMs: z.int().positive().default(1_000),
  /** With `follow`, where it does: how often they are looked at all the same. */
  rescanIntervalMs: z.int().positive().default(10_000),
  /** A rotated file is kept open until nothing was written to it for so long, in milliseconds. */
  rotateWaitMs: milliseconds.default(5_000),
  /** A file that nothing was written to for so long is complete: its removal is no loss. Default: a day. */
  completeAfterMs: milliseconds.default(86_400_000),
  /** Deliver a last line without a line feed when nothing was added to it for so long. Default: it is waited for. */
  idleFlushMs: milliseconds.optional(),
  followSymlinks: z.boolean().default(true),
  /** Most files that are open at once. */
  maxOpenFiles: z.int().positive().default(256),
};

const logFilesConfig = z.strictObject(logFiles);

export type LogFilesConfig = z.output<typeof logFilesConfig>;
