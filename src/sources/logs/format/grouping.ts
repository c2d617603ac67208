import { compilePattern } from '../../../toolkit/pattern.js';
import type { MultilineConfig } from './config.js';

/** Tells which lines are one event: a message and its stack trace, a statement over several lines. */
export interface Grouping {
  /** Whether this line begins a new group. The first line always does: `previous` is undefined then. */
  begins(line: string, previous: string | undefined): boolean;
}

/**
 * `start`: a line that matches begins a group. `continuation`: a line that matches goes on with the one before.
 * `indented`: a line that begins with a space or a tab, or is blank, goes on with the one before.
 *
 * @throws ConfigError (INVALID_PATTERN, MISSING_PEER)
 */
export async function createGrouping(config: MultilineConfig): Promise<Grouping> {
  if ('start' in config) {
    const start = await compilePattern(config.start, 'config.multiline.start');
    return grouping((line) => start.test(line));
  }
  if ('continuation' in config) {
    const continuation = await compilePattern(config.continuation, 'config.multiline.continuation');
    return grouping((line) => !continuation.test(line));
  }
  return grouping((line) => !isIndented(line));
}

function grouping(isStart: (line: string) => boolean): Grouping {
  return { begins: (line, previous) => previous === undefined || isStart(line) };
}

function isIndented(line: string): boolean {
  const first = line.charCodeAt(0);
  return line.length === 0 || first === 0x20 || first === 0x09 || first === 0x0d;
}
