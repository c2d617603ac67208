/**
 * Reads one item ahead: the next page is on its way while the one in hand is worked on. Items and the error come in
 * order; whoever leaves early leaves nothing running.
 *
 * ```ts
 * for await (const page of readAhead(pages(context.signal))) yield toBatch(page);
 * ```
 */
export async function* readAhead<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item, void, undefined> {
  const iterator = items[Symbol.asyncIterator]();
  let coming = ask(iterator);
  try {
    for (let result = await coming; result.done !== true; result = await coming) {
      coming = ask(iterator);
      yield result.value;
    }
  } finally {
    await iterator.return?.();
  }
}

function ask<Item>(iterator: AsyncIterator<Item>): Promise<IteratorResult<Item>> {
  const result = iterator.next();
  // It is awaited later, or never when the reader leaves; it must not count as unhandled until then.
  result.catch(() => {});
  return result;
}
