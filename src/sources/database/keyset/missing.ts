/** Numbers from one to another (both included) that were not there, and when that was noticed. */
export type Missing = [from: string, to: string, noticedAt: number];

/** What lies between numbers that were read one after the other. */
export function missingBetween(after: string | undefined, numbers: readonly string[], now: number): Missing[] {
  const found: Missing[] = [];
  // Databases count from 1.
  let last = after === undefined ? 0n : BigInt(after);
  for (const text of numbers) {
    const number = BigInt(text);
    if (number > last + 1n) found.push([String(last + 1n), String(number - 1n), now]);
    last = number;
  }
  return found;
}

/** What is still missing when some numbers were found. Both are in order. */
export function without(missing: readonly Missing[], numbers: readonly string[]): Missing[] {
  const left: Missing[] = [];
  const found = numbers.map(BigInt);
  for (const [from, to, noticedAt] of missing) {
    let begin = BigInt(from);
    const end = BigInt(to);
    for (const number of found) {
      if (number < begin || number > end) continue;
      if (number > begin) left.push([String(begin), String(number - 1n), noticedAt]);
      begin = number + 1n;
    }
    if (begin <= end) left.push([String(begin), to, noticedAt]);
  }
  return left;
}
