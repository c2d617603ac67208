/** Types that were asked about; a bound, because types may come from outside. */
const MOST_ANSWERS = 1_000;

/**
 * Whether a dotted name matches: `*` is one segment, `**` any number of them, also none; `/` in a mask is a dot. Time is
 * linear in the length of mask times name, whatever they are.
 */
export function compileMask(mask: string): (name: string) => boolean {
  const parts = mask.replaceAll('/', '.').split('.');
  if (parts.length === 1 && parts[0] === '**') return () => true;
  const answers = new Map<string, boolean>();
  return (name) => {
    const known = answers.get(name);
    if (known !== undefined) return known;
    const answer = matches(parts, name.split('.'));
    if (answers.size < MOST_ANSWERS) answers.set(name, answer);
    return answer;
  };
}

/** For each number of parts of the mask: whether they match the segments so far. */
function matches(parts: readonly string[], segments: readonly string[]): boolean {
  let reached = [
    true,
    ...parts.map((part, index) => part === '**' && parts.slice(0, index).every((one) => one === '**')),
  ];
  for (const segment of segments) {
    const next = [false];
    for (const [index, part] of parts.entries()) {
      const isReached =
        part === '**'
          ? reached[index + 1] === true || reached[index] === true || next[index] === true
          : reached[index] === true && (part === '*' || part === segment);
      next.push(isReached);
    }
    reached = next;
  }
  return reached[parts.length] === true;
}
