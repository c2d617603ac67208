import { ConfigError } from '../core/errors.js';
import { peerFailure } from './import-peer.js';

/** A regular expression that a user wrote. */
export interface Pattern {
  /** Names of its groups, in their order. */
  readonly groups: readonly string[];
  /** Whether it is found anywhere in the text. */
  test(text: string): boolean;
  /** The texts of its named groups where it is found first, null for those without a part in it; undefined if nowhere. */
  find(text: string): ReadonlyMap<string, string | null> | undefined;
}

/**
 * Given as text it comes from a configuration, and is run by the package `re2js`: in time that grows with the length of
 * the text alone, whatever the pattern (no look-around, no back-references). A `RegExp` comes from code and is trusted.
 *
 * @param option - names it in the error.
 * @throws ConfigError (INVALID_PATTERN, MISSING_PEER)
 * @see https://github.com/google/re2/wiki/Syntax
 */
export async function compilePattern(pattern: string | RegExp, option: string): Promise<Pattern> {
  return typeof pattern === 'string' ? compileText(pattern, option) : trustedPattern(pattern);
}

async function compileText(text: string, option: string): Promise<Pattern> {
  const { RE2JS } = await load();
  let compiled: InstanceType<typeof RE2JS>;
  try {
    compiled = RE2JS.compile(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const fix = 'use the syntax of RE2, or give a RegExp object from your code';
    const message = `${option} is no regular expression: ${why}`;
    throw new ConfigError([{ severity: 'error', code: 'INVALID_PATTERN', message, fix }], { code: 'INVALID_PATTERN' });
  }
  const groups = Object.keys(compiled.namedGroups());
  return {
    groups,
    test: (line) => compiled.matcher(line).find(),
    find(line) {
      const matcher = compiled.matcher(line);
      return matcher.find() ? new Map(groups.map((name) => [name, matcher.group(name)])) : undefined;
    },
  };
}

function trustedPattern(given: RegExp): Pattern {
  // With `g` or `y` it would go on where it found something last.
  const pattern = new RegExp(given.source, given.flags.replace(/[gy]/g, ''));
  const groups = Object.keys(new RegExp(`${pattern.source}|`, pattern.flags).exec('')?.groups ?? {});
  return {
    groups,
    test: (line) => pattern.test(line),
    find(line) {
      const found = pattern.exec(line);
      return found === null ? undefined : new Map(groups.map((name) => [name, found.groups?.[name] ?? null]));
    },
  };
}

async function load(): Promise<typeof import('re2js')> {
  try {
    return await import('re2js');
  } catch (error) {
    throw peerFailure('re2js', error);
  }
}
