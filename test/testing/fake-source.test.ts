import { ingest, MemoryCursorStore, RetryableError, type SourceEvent } from 'headwater';
import { MemorySink } from 'headwater/sinks/memory';
import { fakeSource } from 'headwater/testing';
import { expect, expectTypeOf, it } from 'vitest';

type OrderEvent = SourceEvent<'order.paid', { order: number }> | SourceEvent<'order.sent', { parcel: string }>;
const events = [
  { type: 'order.paid', data: { order: 1 } },
  { type: 'order.sent', data: { parcel: 'x' }, id: 'own-id', subject: 'x' },
  { type: 'order.paid', data: { order: 2 } },
] as const;

it('gives the events it was given, with the rest of their envelope', async () => {
  const source = fakeSource<OrderEvent>(events);
  const seen: OrderEvent[] = [];
  for await (const event of source.generateEvents()) seen.push(event);
  expectTypeOf(seen).toEqualTypeOf<OrderEvent[]>();
  expect(seen).toEqual([
    {
      specversion: '1.0',
      source: '/fake/fake',
      sourceid: 'fake',
      sourcetype: 'fake',
      id: 'order.paid-1',
      ...events[0],
    },
    { specversion: '1.0', source: '/fake/fake', sourceid: 'fake', sourcetype: 'fake', ...events[1] },
    {
      specversion: '1.0',
      source: '/fake/fake',
      sourceid: 'fake',
      sourcetype: 'fake',
      id: 'order.paid-3',
      ...events[2],
    },
  ]);
  expect(source.acknowledged).toBe(3);
});

it('fails where it was told to, as often as it was told to, and goes on then', async () => {
  const source = fakeSource<OrderEvent>(events, { failAt: 2, error: new RetryableError('not now'), failures: 2 });
  const options = { source, sink: new MemorySink<OrderEvent>(), cursorStore: new MemoryCursorStore() };
  await expect(ingest(options)).rejects.toThrow('not now');
  expect(source.acknowledged).toBe(2);
  await expect(ingest(options)).rejects.toThrow('not now');
  expect(await ingest(options)).toMatchObject({ status: 'completed', written: 1 });
  expect(options.sink.events.map(({ id }) => id)).toEqual(['order.paid-1', 'own-id', 'order.paid-3']);
});

it('gives what is added while it is followed, and ends at once when it is told to', async () => {
  const source = fakeSource<OrderEvent>(events.slice(0, 1));
  const controller = new AbortController();
  const iterator = source.generateEvents({ follow: true, signal: controller.signal });
  await iterator.next();
  const pending = iterator.next();
  await new Promise((resolve) => setImmediate(resolve));
  source.add(events[2]);
  expect((await pending).value).toMatchObject({ id: 'order.paid-2', data: { order: 2 } });
  const last = iterator.next();
  controller.abort(new Error('enough'));
  await expect(last).rejects.toThrow('enough');
});
