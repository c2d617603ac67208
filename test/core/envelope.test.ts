import { CloudEvent, HTTP } from 'cloudevents';
import type { EventFields, SourceEvent } from 'headwater';
import { describe, expect, it } from 'vitest';
import { ReadSource, type TestEvent } from '../support/test-sources.js';

/** Makes any event a source can make. */
class Maker extends ReadSource {
  make(fields: Partial<EventFields<'test.item', { n: number }>>): TestEvent {
    return this.event({ type: 'test.item', id: 'a-1', data: { n: 1 }, ...fields });
  }
}

const create = (id = 'mine') => new Maker(async function* () {}, { id });

const events: [string, (maker: Maker) => SourceEvent][] = [
  ['the least', (maker) => maker.make({})],
  [
    'everything',
    (maker) =>
      maker.make({
        source: 'https://github.com/o/r',
        subject: 'issues/7',
        time: '2026-11-22T10:00:00.123456789Z',
        datacontenttype: 'application/json',
        dataschema: 'https://example.com/schemas/issue/1',
      }),
  ],
  ['a time with an offset', (maker) => maker.make({ time: '2026-11-22T10:00:00+05:30' })],
  ['a hostile source id', () => create('ä/ö?#%[]\\ "<>^`{|}\u0000').make({})],
  ['hostile data', (maker) => maker.make({ data: JSON.parse('{ "__proto__": { "n": 1 }, "n": null }') })],
  ['a gap', (maker) => maker.madeGap('overflow', '3 were lost', { from: 'a', to: 'b', count: 3 })],
  ['a gap without a range', (maker) => maker.madeGap('disconnected', 'away', {})],
];

describe.each(events)('an event with %s', (_, make) => {
  it('is a valid CloudEvent to the official package, strictly', () => {
    const event = make(create());
    expect(new CloudEvent(event as never, true).validate()).toBe(true);
    const body = JSON.stringify(event);
    const message = { headers: { 'content-type': 'application/cloudevents+json' }, body };
    const parsed = HTTP.toEvent(message) as CloudEvent<unknown>;
    expect(parsed.validate()).toBe(true);
    expect(parsed).toMatchObject({ id: event.id, source: event.source, type: event.type, data: event.data });
    expect([parsed['sourceid'], parsed['sourcetype']]).toEqual([event.sourceid, event.sourcetype]);
  });

  it('has no attribute that is undefined, and survives JSON', () => {
    const event = make(create());
    expect(Object.values(event)).not.toContain(undefined);
    expect(JSON.parse(JSON.stringify(event))).toEqual(event);
  });
});

it('an event says which source made it', () => {
  expect(create('octokit issues').make({})).toEqual({
    specversion: '1.0',
    id: 'a-1',
    source: '/test/octokit%20issues',
    type: 'test.item',
    sourceid: 'octokit issues',
    sourcetype: 'test',
    data: { n: 1 },
  });
});
