import { ConfigError } from 'headwater';
import { type LineFormatConfig, lineFormatConfig } from '../../../../src/sources/logs/format/config.js';
import { createLineFormat } from '../../../../src/sources/logs/format/create-line-format.js';
import type { ParsedLine } from '../../../../src/sources/logs/format/line-format.js';

export const NOW = Date.parse('2026-05-06T07:08:09Z');

/** The format as a configuration makes it. */
export async function formatOf(config: unknown) {
  return createLineFormat(lineFormatConfig.parse(config) as LineFormatConfig);
}

export async function parseLine(config: unknown, line: string): Promise<ParsedLine> {
  return (await formatOf(config)).parse(line, NOW);
}

/** What is said of it, without what is not. */
export async function said(config: unknown, line: string): Promise<Partial<ParsedLine>> {
  const parsed = await parseLine(config, line);
  return Object.fromEntries(Object.entries(parsed).filter(([, value]) => value !== undefined));
}

export async function refusal(config: unknown): Promise<ConfigError> {
  try {
    await formatOf(config);
  } catch (error) {
    if (ConfigError.isInstance(error)) return error;
    throw error;
  }
  throw new Error('it was accepted');
}
