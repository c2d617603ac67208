/**
 * Several sequences at once, as one: the items of each in their order, of all together as they come. Of each sequence
 * one item is made ahead, never more; whoever leaves early leaves nothing running.
 *
 * ```ts
 * for await (const page of inParallel(channels.map((channel) => pagesOf(channel)), 4)) yield toBatch(page);
 * ```
 *
 * @param sequences begun one after another, as soon as there is room
 * @param most how many are under way at once
 * @throws the first error of any of them; the others are ended
 */
export async function* inParallel<Item>(
  sequences: Iterable<AsyncIterable<Item>> | AsyncIterable<AsyncIterable<Item>>,
  most: number,
): AsyncGenerator<Item, void, undefined> {
  const arrivals = new Arrivals<Arrival<Item>>();
  const coming = iteratorOf(sequences);
  const running = new Set<AsyncIterator<Item>>();
  let isAsking = false;
  let isOver = false;
  const begin = (): void => {
    if (isOver || isAsking || running.size >= most) return;
    isAsking = true;
    arrivals.add(coming.next().then((result) => ({ begun: result })));
  };
  const ask = (iterator: AsyncIterator<Item>): void => {
    arrivals.add(iterator.next().then((result) => ({ iterator, result })));
  };
  try {
    begin();
    while (isAsking || running.size > 0) {
      const arrival = await arrivals.next();
      if ('begun' in arrival) {
        isAsking = false;
        isOver = arrival.begun.done === true;
        if (arrival.begun.done !== true) {
          const iterator = arrival.begun.value[Symbol.asyncIterator]();
          running.add(iterator);
          ask(iterator);
        }
        begin();
      } else if (arrival.result.done === true) {
        running.delete(arrival.iterator);
        begin();
      } else {
        ask(arrival.iterator);
        yield arrival.result.value;
      }
    }
  } finally {
    await Promise.all([coming.return?.(), ...[...running].map((iterator) => iterator.return?.())]);
  }
}

type Arrival<Item> =
  | { begun: IteratorResult<AsyncIterable<Item>> }
  | { iterator: AsyncIterator<Item>; result: IteratorResult<Item> };

function iteratorOf<Item>(sequences: Iterable<Item> | AsyncIterable<Item>): AsyncIterator<Item> {
  if (Symbol.asyncIterator in sequences) return sequences[Symbol.asyncIterator]();
  const iterator = sequences[Symbol.iterator]();
  return { next: async () => iterator.next() };
}

/** What promises came to, in the order in which they did. */
class Arrivals<Item> {
  readonly #there: ({ item: Item } | { error: unknown })[] = [];
  #wake: (() => void) | undefined;

  add(promise: Promise<Item>): void {
    const arrive = (arrival: { item: Item } | { error: unknown }): void => {
      this.#there.push(arrival);
      this.#wake?.();
    };
    promise.then(
      (item) => arrive({ item }),
      (error: unknown) => arrive({ error }),
    );
  }

  async next(): Promise<Item> {
    for (;;) {
      const first = this.#there.shift();
      if (first !== undefined) {
        if ('error' in first) throw first.error;
        return first.item;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
