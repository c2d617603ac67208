import picomatch from 'picomatch';

/**
 * Whether text has a meaning beyond itself for `compileGlobs`.
 *
 * @example
 * isGlob('docs/*.md'); // true
 */
export function isGlob(text: string): boolean {
  return /[*?[{]/.test(text);
}

/**
 * One function for all the patterns: whether a path with `/` between its parts matches any of them. `*` and `?` stop at
 * `/`, `**` does not; `[a-z]` and `{a,b}` work; names that begin with a dot are like any others. No patterns match
 * nothing.
 *
 * @example
 * const isText = compileGlobs(['docs/**', '*.md']);
 * isText('docs/guide/start.html'); // true
 * @see https://github.com/micromatch/picomatch
 */
export function compileGlobs(patterns: readonly string[]): (path: string) => boolean {
  if (patterns.length === 0) return () => false;
  return picomatch([...patterns], { dot: true, nonegate: true, noextglob: true });
}
