import { MAX_DEPTH } from '../../../toolkit/decode/limits.js';
import { parseExactJson } from './exact-json.js';
import type { Fields } from './fields.js';
import type { LineFormat } from './line-format.js';
import { Meaning, type MeaningOptions } from './meaning.js';
import { misfit } from './misfit.js';

export interface JsonLineOptions extends MeaningOptions {
  /** Default 100. */
  maxDepth?: number | undefined;
}

/** A JSON object on each line. Time, level and message are found by the names that loggers commonly give them. */
export function json({ maxDepth = MAX_DEPTH, ...names }: JsonLineOptions = {}): LineFormat {
  const meaning = new Meaning(names);
  return {
    name: 'json',
    parse(line) {
      const parsed = parseExactJson(line, maxDepth);
      if (parsed === undefined) return misfit('the line is not JSON', 'JSON_SYNTAX');
      if (parsed === 'deep') return misfit(`the line is nested more than ${maxDepth} deep`, 'RECORD_TOO_DEEP');
      const { value } = parsed;
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return misfit('the line is JSON, but no object');
      }
      return meaning.read(value as Fields);
    },
  };
}
