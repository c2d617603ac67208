import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPagerDuty } from '../../../../src/sources/webhook/providers/pagerduty.js';
import { request } from './request.js';

const incident = {
  id: 'PGR0VU2',
  type: 'incident',
  number: 2,
  title: 'A little bump',
  status: 'triggered',
  urgency: 'high',
};
const event = {
  id: '01BRB6ZP4M6T8ZG4X6BP63ZB9O',
  event_type: 'incident.priority_updated',
  resource_type: 'incident',
  occurred_at: '2026-01-02T03:04:05.678Z',
  agent: { id: 'PLH1HKV', type: 'user_reference', summary: 'An engineer' },
  client: null,
  data: incident,
};

const read = (given: unknown) => readPagerDuty(request({ body: JSON.stringify(given) }));

describe('webhooks of PagerDuty', () => {
  it('are events of the type that PagerDuty names, called after the signed id', () => {
    expect(read({ event })).toEqual({
      id: event.id,
      events: [
        {
          type: 'pagerduty.incident.priority_updated',
          id: event.id,
          time: event.occurred_at,
          subject: 'PGR0VU2',
          data: event,
        },
      ],
    });
  });

  it('may be of later types, and without what may be missing', () => {
    const ping = {
      id: '1',
      event_type: 'pagey.ping',
      resource_type: 'pagey',
      occurred_at: 'soon',
      data: { type: 'ping' },
    };
    expect(read({ event: ping }).events).toEqual([
      { type: 'pagerduty.pagey.ping', id: '1', time: undefined, subject: undefined, data: ping },
    ]);
  });

  it.each([
    ['version 2', { messages: [{ event: 'incident.trigger', id: 'x' }] }],
    ['no id', { event: { ...event, id: undefined } }],
    ['no type', { event: { ...event, event_type: '' } }],
    ['a type with spaces', { event: { ...event, event_type: 'a b' } }],
    ['a list', [event]],
  ])('cannot be read from %s', (_, given) => {
    expect(() => read(given)).toThrow(expect.objectContaining({ code: 'WEBHOOK_PAYLOAD' }));
  });

  it('never fail otherwise than by a DecodeError', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.record({ event: fc.json() }).map((value) => JSON.stringify(value)),
        ),
        (body) => {
          expect(() => readPagerDuty(request({ body }))).toThrow(expect.objectContaining({ name: 'DecodeError' }));
        },
      ),
    );
  });
});
