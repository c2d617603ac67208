import { ConfigError } from '../../../core/errors.js';
import { compilePattern } from '../../../toolkit/pattern.js';
import { type Fields, setField } from './fields.js';
import type { LineFormat } from './line-format.js';
import { Meaning, type MeaningOptions } from './meaning.js';
import { misfit } from './misfit.js';

export interface PatternOptions extends MeaningOptions {
  /** With named groups, which become the fields. It need not match the whole line: use `^` and `$` for that. */
  pattern: string | RegExp;
}

/**
 * Lines of the user's own format. Groups that had no part in the match are left out.
 *
 * @throws ConfigError (INVALID_PATTERN, MISSING_PEER)
 */
export async function patternFormat({ pattern, ...names }: PatternOptions): Promise<LineFormat> {
  const compiled = await compilePattern(pattern, 'config.format.pattern');
  if (compiled.groups.length === 0) throw withoutGroups();
  const meaning = new Meaning(names);
  return {
    name: 'pattern',
    parse(line) {
      const groups = compiled.find(line);
      if (groups === undefined) return misfit('the line does not match the pattern');
      const fields: Fields = {};
      for (const [name, value] of groups) if (value !== null) setField(fields, name, value);
      return meaning.read(fields);
    },
  };
}

function withoutGroups(): ConfigError {
  const message = 'config.format.pattern has no named group, so it would find no fields';
  const fix = 'name what it finds: (?<status>\\d{3})';
  return new ConfigError([{ severity: 'error', code: 'INVALID_PATTERN', message, fix }], { code: 'INVALID_PATTERN' });
}
