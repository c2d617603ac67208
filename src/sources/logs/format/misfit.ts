import type { ParsedLine } from './line-format.js';

const NO_FIELDS = Object.freeze({});

/** Of a line that does not fit its format. `message` never quotes the line, which may hold a secret. */
export function misfit(message: string, code?: string): ParsedLine {
  return {
    fields: NO_FIELDS,
    message: undefined,
    time: undefined,
    level: undefined,
    assumedZone: undefined,
    parseError: { code: code ?? 'LINE_SYNTAX', message },
  };
}
