import type { SourceEvent } from 'headwater';

/** The number an event of a test source carries; 'gap' for a gap. */
export function numberOf(event: SourceEvent): number | 'gap' {
  return event.type === 'headwater.gap' ? 'gap' : (event.data as { n: number }).n;
}

/** Takes everything, or the first `count`, and breaks off. */
export async function take(events: AsyncIterable<SourceEvent>, count = Number.POSITIVE_INFINITY) {
  const taken: (number | 'gap')[] = [];
  for await (const event of events) {
    taken.push(numberOf(event));
    if (taken.length >= count) break;
  }
  return taken;
}

export type Outcome<Value> = { value: Value } | { error: unknown } | 'pending';

/** What became of a promise after a number of turns of the event loop. */
export async function afterTurns<Value>(promise: Promise<Value>, count = 20): Promise<Outcome<Value>> {
  let outcome: Outcome<Value> = 'pending';
  promise.then(
    (value) => {
      outcome = { value };
    },
    (error: unknown) => {
      outcome = { error };
    },
  );
  await turns(count);
  return outcome;
}

/** Lets the event loop turn. */
export async function turns(count = 20): Promise<void> {
  for (let left = count; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The numbers from one to another. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Waits until it holds; fails after a second. */
export async function eventually(holds: () => boolean): Promise<void> {
  const end = Date.now() + 1_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('did not come about within a second');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A promise that is resolved from outside. */
export function latch(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
