import * as z from 'zod';
import { logFiles } from '../files/config.js';
import { lineFormatConfig, multilineConfig } from '../format/config.js';

/** What `LogSource.create` takes as `config`. */
export const logConfig = z.strictObject({
  ...logFiles,
  /** How a line is read. */
  format: lineFormatConfig.default('text'),
  /** Which lines are one event. Default: each is one. */
  multiline: multilineConfig.optional(),
});

export type LogConfig = z.output<typeof logConfig>;
export type LogConfigInput = z.input<typeof logConfig>;
