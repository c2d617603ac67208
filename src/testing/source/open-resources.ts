/** What this process holds: timers, sockets, child processes, and listeners on itself. */
export interface OpenResources {
  readonly counts: ReadonlyMap<string, number>;
  /** What is there besides, in words; empty where there is nothing. */
  minus(before: OpenResources): string;
}

export function openResources(): OpenResources {
  const counts = new Map<string, number>();
  const add = (name: string, by: number): void => void counts.set(name, (counts.get(name) ?? 0) + by);
  for (const name of process.getActiveResourcesInfo()) add(name, 1);
  for (const name of process.eventNames()) add(`listener on process '${String(name)}'`, process.listenerCount(name));
  const minus = (before: OpenResources): string =>
    [...counts]
      .map(([name, count]) => [name, count - (before.counts.get(name) ?? 0)] as const)
      .filter(([, more]) => more > 0)
      .map(([name, more]) => `${more} ${name}`)
      .join(', ');
  return { counts, minus };
}
