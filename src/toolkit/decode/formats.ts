import { type CsvOptions, csv } from './csv/index.js';
import type { Format } from './decoder.js';
import { type JsonOptions, json } from './json.js';
import { type JsonLinesOptions, jsonl } from './json-lines.js';
import { type XmlOptions, xml } from './xml.js';
import { type YamlOptions, yaml } from './yaml.js';

/** How to read a file: the format and its options. */
export type FormatOptions =
  | ({ format: 'csv' } & CsvOptions)
  | ({ format: 'json' } & JsonOptions)
  | ({ format: 'jsonl' } & JsonLinesOptions)
  | ({ format: 'xml' } & XmlOptions)
  | ({ format: 'yaml' } & YamlOptions);

const BY_EXTENSION = new Map<string, FormatOptions>([
  ['csv', { format: 'csv' }],
  ['tsv', { format: 'csv', delimiter: '\t' }],
  ['json', { format: 'json' }],
  ['jsonl', { format: 'jsonl' }],
  ['ndjson', { format: 'jsonl' }],
  ['xml', { format: 'xml' }],
  ['yaml', { format: 'yaml' }],
  ['yml', { format: 'yaml' }],
]);

/** What the extension of a file says; undefined where it says nothing. */
export function formatOfFile(path: string): FormatOptions | undefined {
  return BY_EXTENSION.get(path.slice(path.lastIndexOf('.') + 1).toLowerCase());
}

export function toFormat(options: FormatOptions): Format {
  switch (options.format) {
    case 'csv':
      return csv(options);
    case 'json':
      return json(options);
    case 'jsonl':
      return jsonl(options);
    case 'xml':
      return xml(options);
    case 'yaml':
      return yaml(options);
  }
}
