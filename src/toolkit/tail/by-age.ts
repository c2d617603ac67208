import type { Candidate } from './copies.js';

const NUMBER = /\.(\d{1,5})(?:\.gz)?$/;
const DIGITS = /\d+/g;
const YEAR = '0000';

/**
 * Oldest first. Where all names end in a number, or all have a date of the same form, the names tell: a file that was
 * rotated can still be written to, so that its time may be later than that of the file after it. The times tell
 * whether numbers grow or each file gets the next one with every rotation, as most have it.
 */
export function sortByAge(candidates: Candidate[]): Candidate[] {
  candidates.sort(byTime);
  const numbers = candidates.map(({ path }) => numberOf(path));
  if (numbers.every((number) => number !== undefined)) {
    const sign = growing(numbers) > 0 ? 1 : -1;
    return candidates.sort((one, other) => sign * ((numberOf(one.path) ?? 0) - (numberOf(other.path) ?? 0)));
  }
  const [form = '', ...others] = new Set(candidates.map(({ path }) => formOf(path)));
  if (others.length > 0 || !form.includes(YEAR)) return candidates;
  return candidates.sort((one, other) => byText(withoutGzip(one.path), withoutGzip(other.path)));
}

/** Times may be the same, since their clock is coarse. */
function byTime(one: Candidate, other: Candidate): number {
  const difference = one.stats.mtimeMs - other.stats.mtimeMs;
  if (difference !== 0) return difference;
  const [first, second] = [numberOf(one.path), numberOf(other.path)];
  if (first !== undefined && second !== undefined) return second - first;
  return byText(one.path, other.path);
}

function numberOf(path: string): number | undefined {
  const text = NUMBER.exec(path)?.[1];
  return text === undefined ? undefined : Number(text);
}

/** How many more times a later file has the larger number than the smaller one. */
function growing(numbers: readonly number[]): number {
  return numbers.slice(1).reduce((sum, number, index) => sum + Math.sign(number - (numbers[index] ?? 0)), 0);
}

/** The same for names that differ in digits alone, each number as long as the other. */
function formOf(path: string): string {
  return withoutGzip(path).replaceAll(DIGITS, (digits) => '0'.repeat(digits.length));
}

function withoutGzip(path: string): string {
  return path.endsWith('.gz') ? path.slice(0, -3) : path;
}

function byText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
