export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

export async function collect<Event>(events: AsyncIterable<Event>, count = Number.POSITIVE_INFINITY): Promise<Event[]> {
  const found: Event[] = [];
  for await (const event of events) {
    found.push(event);
    if (found.length >= count) break;
  }
  return found;
}

/** Waits for a condition, not for a time. */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = 15_000,
): Promise<void> {
  const end = Date.now() + patienceMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`it did not come to it: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
