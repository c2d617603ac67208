/** The larger of two values of one kind: numbers by size, text (times of one form, versions) by its characters. */
export function after(one: string | number, other: string | number): string | number {
  if (typeof one === 'number' && typeof other === 'number') return Math.max(one, other);
  return String(one) >= String(other) ? one : other;
}

/** The value so many milliseconds before, where it is a time: ISO 8601, or a number of milliseconds; others stay. */
export function before(mark: string | number, milliseconds: number): string | number {
  if (milliseconds === 0) return mark;
  if (typeof mark === 'number') return mark - milliseconds;
  const time = Date.parse(mark);
  return Number.isNaN(time) ? mark : new Date(time - milliseconds).toISOString();
}
