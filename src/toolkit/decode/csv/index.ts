import { ConfigError } from '../../../core/errors.js';
import type { Format } from '../decoder.js';
import { CsvDecoder } from './csv-decoder.js';

export interface CsvOptions {
  /** One character, or 'auto' (default): the one of `,` `;` tab `|` that fits the first records. */
  delimiter?: string | undefined;
  /** One character. Default `"`. */
  quote?: string | undefined;
  /** true (default): the first record names the columns. false: records are arrays. Or the names, for a file without. */
  header?: boolean | readonly string[] | undefined;
  /** Bytes of a record. Default 1 MiB. */
  maxRecordBytes?: number | undefined;
  /** Default 10,000. */
  maxColumns?: number | undefined;
  /** Default 'utf-8'; bytes that are not are a row-level error, never replaced. */
  encoding?: 'utf-8' | 'latin1' | undefined;
}

/**
 * Comma-separated values (RFC 4180) and their cousins: quotes over lines, other delimiters, CR, LF or CRLF, a byte order
 * mark, a first line `sep=;`. Values are text as written. A bad row is an error, the next goes on.
 * @throws ConfigError when delimiter or quote is not one ASCII character, both are the same, or header is an empty list
 */
export function csv(options: CsvOptions = {}): Format {
  for (const name of ['delimiter', 'quote'] as const) {
    const value = options[name];
    if (value === undefined || value === 'auto' || /^[\t -~]$/.test(value)) continue;
    refuse(`${name} must be one ASCII character, it is ${JSON.stringify(value)}`);
  }
  const { delimiter, quote = '"', header } = options;
  if (delimiter === quote) refuse('delimiter and quote must differ');
  if (Array.isArray(header) && header.length === 0) refuse('header needs a name at least; false for a file without');
  return {
    name: 'csv',
    resumesFrom: 'offset',
    open: async ({ position, file } = {}) => new CsvDecoder(options, position, file),
  };
}

function refuse(what: string): never {
  throw new ConfigError([{ severity: 'error', code: 'CSV_OPTION', message: `csv: ${what}` }]);
}
