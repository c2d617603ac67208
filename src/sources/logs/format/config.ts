import * as z from 'zod';
import { isZone } from './zone.js';

const name = z.string().min(1);
/** Text runs in linear time (package `re2js`, syntax of RE2); a `RegExp` from code is trusted. */
const pattern = z.union([z.string().min(1).max(10_000), z.instanceof(RegExp)]);
const zone = z.string().refine(isZone, "expected 'UTC', an offset such as '+02:00', or a name such as 'Europe/Berlin'");
const meaning = {
  /** The field that holds the time; dots lead into nested fields. Default: the names that are commonly used. */
  time: name.optional(),
  level: name.optional(),
  message: name.optional(),
  /** Zone of times that name none. Default 'UTC'. */
  zone: zone.optional(),
};

/** Formats that say of a line what it holds, by name. */
const fieldFormats = [
  z.strictObject({ format: z.literal('json'), ...meaning, maxDepth: z.int().positive().max(1_000).optional() }),
  z.strictObject({ format: z.literal('logfmt'), ...meaning }),
  z.strictObject({ format: z.enum(['common', 'combined', 'nginx']) }),
  z.strictObject({ pattern, ...meaning }),
] as const;
const fieldFormatNames = ['json', 'logfmt', 'common', 'combined', 'nginx'] as const;

/** How lines with fields are read: the name of a format, or an object with its options. */
export const fieldFormatConfig = z.union([z.enum(fieldFormatNames), ...fieldFormats], {
  error: `expected one of ${fieldFormatNames.join(', ')}, or an object with format or pattern`,
});

/** How lines are read: the name of a format, or an object with its options. */
export const lineFormatConfig = z.union(
  [
    z.enum(['auto', 'text', 'syslog', ...fieldFormatNames]),
    z.strictObject({ format: z.enum(['auto', 'text', 'syslog']), zone: zone.optional() }),
    ...fieldFormats,
  ],
  { error: `expected one of auto, text, syslog, ${fieldFormatNames.join(', ')}, or an object with format or pattern` },
);

export type LineFormatConfig = z.output<typeof lineFormatConfig>;

const limits = {
  /** A group is told when it has so many lines; what follows is a group of its own. */
  maxLines: z.int().positive().default(500),
  /** The same, by bytes. */
  maxBytes: z.int().positive().default(1_048_576),
  /** A group is told when no line has come for so long, in milliseconds. */
  timeoutMs: z.int().positive().default(1_000),
};

/** Which lines belong together: told by how a group begins, by how it goes on, or by indentation. */
export const multilineConfig = z.union(
  [
    z.strictObject({ start: pattern, ...limits }),
    z.strictObject({ continuation: pattern, ...limits }),
    z.strictObject({ indented: z.literal(true), ...limits }),
  ],
  { error: 'expected an object with one of start, continuation and indented' },
);

export type MultilineConfig = z.output<typeof multilineConfig>;
