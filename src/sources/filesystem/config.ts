import * as z from 'zod';

const glob = z.string().min(1);
const delimiter = z.string().regex(/^(?:auto|[\t -~])$/, 'expected one ASCII character, or auto');
const bytes = z.int().positive();

const csv = z.strictObject({
  format: z.literal('csv'),
  delimiter: delimiter.optional(),
  quote: z.string().length(1).optional(),
  header: z.union([z.boolean(), z.array(z.string()).min(1)]).optional(),
  maxRecordBytes: bytes.optional(),
  maxColumns: z.int().positive().optional(),
  encoding: z.enum(['utf-8', 'latin1']).optional(),
});
const json = z.strictObject({
  format: z.literal('json'),
  records: z.enum(['elements', 'document']).optional(),
  maxRecordBytes: bytes.optional(),
  maxDepth: z.int().positive().optional(),
});
const jsonl = z.strictObject({
  format: z.literal('jsonl'),
  maxRecordBytes: bytes.optional(),
  maxDepth: z.int().positive().optional(),
});
const yaml = z.strictObject({
  format: z.literal('yaml'),
  records: z.enum(['elements', 'document']).optional(),
  maxBytes: bytes.optional(),
  maxAliases: z.int().nonnegative().optional(),
  maxDepth: z.int().positive().optional(),
});
const xml = z.strictObject({
  format: z.literal('xml'),
  records: z.string().min(1).optional(),
  maxRecordBytes: bytes.optional(),
  maxDepth: z.int().positive().optional(),
  maxAttributes: z.int().positive().optional(),
});
const content = z.enum(['auto', 'none', 'text', 'bytes']);
const format = z.union([content, z.discriminatedUnion('format', [csv, json, jsonl, yaml, xml])]);

/** Names that editors, browsers and office programs give to files that are not finished or not meant to be seen. */
const TEMPORARY = [
  '*.sw[a-z]',
  '*~',
  '.#*',
  '#*#',
  '4913',
  '.~lock.*#',
  '~$*',
  '*.tmp',
  '*.temp',
  '*.part',
  '*.partial',
  '*.crdownload',
  '.goutputstream-*',
];

/** What `FilesystemSource.create` takes as `config`. */
export const filesystemConfig = z.strictObject({
  /** The directory that is watched, with all below it. */
  dir: z
    .string()
    .min(1)
    .refine((value) => !value.includes('\0'), 'must not contain NUL'),
  /** Globs relative to `dir`; `*` stops at `/`, `**` does not. Default: every file. */
  include: z.array(glob).min(1).default(['**']),
  /** Globs of files and directories that are left out; a directory is not entered. */
  exclude: z.array(glob).default([]),
  /** Names (no paths) of files that are being written or belong to an editor; left out as well. */
  temporary: z.array(glob).default(TEMPORARY),
  /** The very first run: 'emit' brings what is there, 'baseline' only remembers it and brings what changes later. */
  initialScan: z.enum(['emit', 'baseline']).default('emit'),
  /**
   * What becomes of the content. 'auto': records by the file's extension (csv, tsv, json, jsonl, ndjson, yaml, yml, xml),
   * of other files none. 'none', 'text', 'bytes': of all files. Or by glob, the first that matches; others have none.
   */
  parse: z.union([content, z.record(glob, format)]).default('auto'),
  /** A file is looked at when nothing was written to it for so long, in milliseconds; 0: at once. */
  stableForMs: z.int().nonnegative().default(2_000),
  /** A run that does not follow waits so long for files that are being written; then they are left to the next run. */
  stableTimeoutMs: z.int().nonnegative().default(30_000),
  /** With `follow`: how often everything is looked at, whatever the system told, in milliseconds. */
  rescanIntervalMs: z.int().positive().default(60_000),
  /** With `follow`: have the system tell of changes, so that they are found before the next look at everything. */
  watch: z.boolean().default(true),
  /** Follow symbolic links that lead to something within `dir`. Others are never followed. */
  followSymlinks: z.boolean().default(true),
  /** Largest file that is taken as 'text' or 'bytes'. Formats have limits of their own. Default 16 MiB. */
  maxFileBytes: bytes.default(16 * 1_048_576),
});

export type FilesystemConfig = z.output<typeof filesystemConfig>;
export type FilesystemConfigInput = z.input<typeof filesystemConfig>;
