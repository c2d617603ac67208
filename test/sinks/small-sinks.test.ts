import { expect, it } from 'vitest';
import { CallbackSink } from '../../src/sinks/callback/index.js';
import { MemorySink } from '../../src/sinks/memory/index.js';

it('MemorySink keeps the events of all batches, in order, also after close', async () => {
  const sink = new MemorySink<number>();
  await sink.write({ events: [1, 2] });
  await sink.write({ events: [] });
  await sink.write({ events: [3] });
  await sink.close();
  await sink.close();
  expect(sink.events).toEqual([1, 2, 3]);
});

it('MemorySink takes a batch of any size', async () => {
  const sink = new MemorySink<number>();
  await sink.write({ events: Array.from({ length: 500_000 }, (_, index) => index) });
  expect(sink.events).toHaveLength(500_000);
});

it('CallbackSink hands over the batch as it is and waits for the answer', async () => {
  const batches: unknown[] = [];
  const sink = new CallbackSink(async (batch: { events: readonly number[] }) => {
    await Promise.resolve();
    batches.push(batch);
  });
  const batch = { events: [1, 2] };
  await sink.write(batch);
  await sink.close();
  expect(batches[0]).toBe(batch);
});

it('CallbackSink refuses a batch with the error of the function, thrown or rejected', async () => {
  const error = new Error('refused');
  const throwing = new CallbackSink(() => {
    throw error;
  });
  await expect(throwing.write({ events: [] })).rejects.toBe(error);
  await expect(new CallbackSink(() => Promise.reject(error)).write({ events: [] })).rejects.toBe(error);
});
