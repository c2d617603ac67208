import * as z from 'zod';
import { logFiles } from '../files/config.js';
import { fieldFormatConfig } from '../format/config.js';

const name = z.string().min(1);
const STATUS = /^(?:[0-9](?:xx|[0-9]x|[0-9]{2})|[0-9]{3}-[0-9]{3})$/;
const status = z.union([
  z.int().min(0).max(999),
  z.string().refine(isStatus, "expected a status such as 404, a class such as '5xx', or a range such as '400-499'"),
]);

function isStatus(text: string): boolean {
  const [from, to = from] = text.split('-');
  return STATUS.test(text) && !(Number(from) > Number(to));
}

function oneOrMore<Schema extends z.ZodType>(schema: Schema) {
  return z.union([schema, z.array(schema).min(1)]);
}

const filter = z.strictObject({
  /** 404, a class '5xx', or a range '400-499'; of a list any. */
  status: oneOrMore(status).optional(),
  /** Globs of the path without its query: `*` stops at `/`, `**` does not. */
  endpoint: oneOrMore(name).optional(),
  /** Whatever its case. */
  method: oneOrMore(name).optional(),
  /** In milliseconds. */
  minDurationMs: z.number().nonnegative().optional(),
});

/** Which fields hold what, where they have other names than those that are guessed. Dots lead into nested fields. */
const mapping = z.strictObject({
  method: name.optional(),
  /** Path with query, or a whole URL. */
  target: name.optional(),
  path: name.optional(),
  query: name.optional(),
  /** A whole request line: 'GET /a HTTP/1.1'. */
  request: name.optional(),
  status: name.optional(),
  /** In milliseconds, unless a unit is given or is in the field itself ('7ms'). */
  duration: z
    .union([name, z.strictObject({ field: name, unit: z.enum(['s', 'ms', 'us', 'ns']) })], {
      error: 'expected the name of a field, or { field, unit } with the unit s, ms, us or ns',
    })
    .optional(),
  bytes: name.optional(),
  clientAddress: name.optional(),
  userAgent: name.optional(),
  referer: name.optional(),
  requestId: name.optional(),
  host: name.optional(),
  protocol: name.optional(),
  user: name.optional(),
});

/** What `ApiLogSource.create` takes as `config`. */
export const apiLogConfig = z.strictObject({
  ...logFiles,
  /** How a line is read. */
  format: fieldFormatConfig.default('combined'),
  /** For the formats with names: json, logfmt, patterns. What is left out is guessed. */
  mapping: mapping.optional(),
  /** Requests that do not pass all of it are counted as `filtered` in the statistics, and left out. */
  filter: filter.optional(),
  /** Share of the requests that is delivered, chosen by their ids; the others are counted as `sampled`. */
  sample: z.number().positive().max(1).default(1),
  /**
   * Whether values that look like secrets are taken out, told by the names of parameters, headers and fields; `names`
   * are further ones.
   */
  redact: z.union([z.boolean(), z.strictObject({ names: z.array(name).min(1) })]).default(true),
  /** Whether events have all that their lines hold, as `fields`. Secrets are taken out of them too. */
  withFields: z.boolean().default(false),
  /** Lines that are not those of a request: delivered with `parseError`, or counted as `other-lines` and left out. */
  otherLines: z.enum(['deliver', 'drop']).default('deliver'),
});

export type ApiLogConfig = z.output<typeof apiLogConfig>;
export type ApiLogConfigInput = z.input<typeof apiLogConfig>;
