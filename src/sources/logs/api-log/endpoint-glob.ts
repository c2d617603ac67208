/**
 * Whether a path matches any of the globs: `*` and `?` stop at `/`, `**` stands for any number of parts, also none; all
 * else is itself. Clients choose the paths, so this takes time that grows with their length alone, which no regular
 * expression made of globs does.
 *
 * @example
 * const isApi = compileEndpointGlobs(['/api/**']);
 * isApi('/api/users/7'); // true
 */
export function compileEndpointGlobs(globs: readonly string[]): (path: string) => boolean {
  const patterns = globs.map((glob) => glob.split('/'));
  return (path) => {
    const parts = path.split('/');
    return patterns.some((pattern) => matchesParts(pattern, parts));
  };
}

function matchesParts(pattern: readonly string[], parts: readonly string[]): boolean {
  return matches(
    pattern.length,
    parts.length,
    (at) => pattern[at] === '**',
    (at, part) => matchesPart(pattern[at] ?? '', parts[part] ?? ''),
  );
}

function matchesPart(pattern: string, part: string): boolean {
  if (pattern === part) return true;
  return matches(
    pattern.length,
    part.length,
    (at) => pattern[at] === '*',
    (at, character) => pattern[at] === '?' || pattern[at] === part[character],
  );
}

/**
 * Tries the latest star again where it does not fit: an earlier one need not be, since whatever it could leave to the
 * later one, that one can take.
 */
function matches(
  patternLength: number,
  textLength: number,
  isStar: (at: number) => boolean,
  fits: (at: number, textAt: number) => boolean,
): boolean {
  let at = 0;
  let star = -1;
  let afterStar = 0;
  for (let textAt = 0; textAt < textLength; ) {
    if (at < patternLength && isStar(at)) {
      star = at;
      afterStar = textAt;
      at += 1;
    } else if (at < patternLength && fits(at, textAt)) {
      at += 1;
      textAt += 1;
    } else if (star === -1) return false;
    else {
      afterStar += 1;
      textAt = afterStar;
      at = star + 1;
    }
  }
  while (at < patternLength && isStar(at)) at += 1;
  return at === patternLength;
}
