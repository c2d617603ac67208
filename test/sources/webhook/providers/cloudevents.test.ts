import { CloudEvent, HTTP, type Message } from 'cloudevents';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cloudevents,
  cloudeventsOptions,
  readDelivery,
} from '../../../../src/sources/webhook/providers/cloudevents.js';
import { type RequestFields, request, unread } from './request.js';

const provider = (given: object = {}, secrets = ['s3cret']) => cloudevents(cloudeventsOptions.parse(given), secrets);
const STRUCTURED = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
const BATCHED = { 'content-type': 'application/cloudevents-batch+json' };

const event = {
  specversion: '1.0',
  id: 'A234-1234-1234',
  source: '/mycontext/subcontext',
  type: 'com.example.someevent',
  time: '2018-04-05T17:31:00.123456789Z',
  subject: 'mynewfile.jpg',
  datacontenttype: 'application/json',
  dataschema: 'https://example.com/schema',
  comexampleextension: 'value',
  data: { much: 'wow' },
};

const structured = (payload: unknown) => request({ headers: STRUCTURED, body: JSON.stringify(payload) });

/** What the package `cloudevents` would put on the wire. */
function sent({ headers, body }: Message): RequestFields {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return { headers: Object.fromEntries(entries), body: String(body) };
}

describe('CloudEvents', () => {
  const wrapped = {
    type: 'cloudevents.com.example.someevent',
    id: '/mycontext/subcontext A234-1234-1234',
    time: event.time,
    subject: event.subject,
    data: event,
  };

  it('are read in structured mode', () => {
    expect(readDelivery(structured(event))).toEqual({ id: wrapped.id, events: [wrapped] });
  });

  it('are read in binary mode', () => {
    const { data, datacontenttype, ...attributes } = event;
    const named = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]);
    const headers = { ...Object.fromEntries(named), 'content-type': datacontenttype };
    expect(readDelivery(request({ headers, body: JSON.stringify(data) }))).toEqual({
      id: wrapped.id,
      events: [wrapped],
    });
  });

  it('are read in batched mode, also without any', () => {
    const second = { ...event, id: 'other', data: null };
    const batch = (events: unknown) => readDelivery(request({ headers: BATCHED, body: JSON.stringify(events) }));
    const { id, events } = batch([event, second]);
    expect(events.map((each) => each.id)).toEqual([wrapped.id, '/mycontext/subcontext other']);
    expect(events[1]?.data.data).toBeNull();
    expect(batch([event, second]).id).toBe(id);
    expect(batch([second, event]).id).not.toBe(id);
    expect(batch([event])).toEqual({ id: wrapped.id, events: [wrapped] });
    expect(batch([])).toEqual({ id: undefined, events: [] });
  });

  it('are what the package cloudevents sent, in every mode', () => {
    const name = fc
      .stringMatching(/^[a-z0-9]{1,20}$/)
      .filter((each) => !(each in event) && each !== 'datacontentencoding');
    const value = fc.stringMatching(/^[!#$&-~]{1,30}$/);
    const data = fc.oneof(
      fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }),
      fc.array(fc.jsonValue(), { minLength: 1 }),
    );
    fc.assert(
      fc.property(fc.dictionary(name, value), value, data, (extensions, id, content) => {
        const made = new CloudEvent(
          { ...extensions, id, source: '/s', type: 'a.b', data: content, datacontenttype: 'application/json' },
          false,
        );
        const expected = JSON.parse(JSON.stringify(made));
        for (const message of [HTTP.structured(made), HTTP.binary(made)]) {
          const [read] = readDelivery(request(sent(message as Message))).events;
          expect(read?.id).toBe(`/s ${id}`);
          expect(read?.data).toEqual(expected);
        }
      }),
    );
  });

  it('are read by the package cloudevents as by us, but for digits of the time that it cuts', () => {
    const given = { ...event, time: '2018-04-05T17:31:00.123Z' };
    const back = HTTP.toEvent({ headers: STRUCTURED, body: JSON.stringify(given) });
    expect(readDelivery(structured(given)).events[0]?.data).toEqual(JSON.parse(JSON.stringify(back)));
  });

  it('are not what they pretend to be', () => {
    const forged = { ...event, type: 'headwater.gap', source: 'https://github.com/o/r' };
    const [read] = readDelivery(structured(forged)).events;
    expect(read).not.toHaveProperty('source');
    expect(read).toMatchObject({ type: 'cloudevents.headwater.gap', data: { source: 'https://github.com/o/r' } });
    // Source and id cannot be put together in two ways.
    expect(() => readDelivery(structured({ ...event, source: '/a b' }))).toThrow(/source/);
  });

  it('have headers that are percent-encoded, or in quotes by older senders', () => {
    const headers = { 'ce-specversion': '1.0', 'ce-type': 'a', 'ce-source': '/s' };
    const read = (more: Record<string, string | string[]>) =>
      readDelivery(request({ headers: { ...headers, ...more } })).events[0];
    expect(read({ 'ce-id': '1', 'ce-subject': 'Euro%20%E2%82%AC%20%f0%9f%98%80' })?.subject).toBe('Euro € 😀');
    expect(read({ 'ce-id': '"a \\"b\\""' })?.data.id).toBe('a "b"');
    expect(read({ 'ce-id': '50%' })?.data.id).toBe('50%');
    for (const subject of ['%C0%A0', '%ff', ['a', 'b'], '%0a']) {
      expect(() => read({ 'ce-id': '1', 'ce-subject': subject })).toThrow(
        expect.objectContaining({ code: 'CLOUDEVENT_INVALID' }),
      );
    }
  });

  it('have data of any kind in binary mode', () => {
    const headers = { 'ce-specversion': '1.0', 'ce-type': 'a', 'ce-source': '/s', 'ce-id': '1' };
    const read = (type: string | undefined, body: string | Uint8Array) =>
      readDelivery(request({ headers: { ...headers, ...(type !== undefined && { 'content-type': type }) }, body }))
        .events[0]?.data;
    expect(read('application/vnd.x+json', '{"a":1}')).toMatchObject({
      data: { a: 1 },
      datacontenttype: 'application/vnd.x+json',
    });
    expect(read(undefined, '[1]')).toMatchObject({ data: [1] });
    expect(read('text/plain', 'text')).toMatchObject({ data: 'text' });
    expect(read('text/plain', Buffer.from([0xff]))).toMatchObject({ data_base64: '/w==' });
    expect(read('image/png', Buffer.from([1, 2, 3]))).toMatchObject({ data_base64: 'AQID' });
    expect(read('application/json', '')).not.toHaveProperty('data');
    expect(() => read('application/json', '{')).toThrow(expect.objectContaining({ code: 'JSON_SYNTAX' }));
  });

  it.each([
    ['of another version', { ...event, specversion: '0.3' }],
    ['without an id', { ...event, id: '' }],
    ['without a source', { ...event, source: undefined }],
    ['without a type', { ...event, type: null }],
    ['with an id that is a number', { ...event, id: 7 }],
    ['with a time that is none', { ...event, time: 'yesterday' }],
    ['with an extension that is an object', { ...event, extension: {} }],
    ['with a name in upper case', { ...event, Extension: 'x' }],
    ['with control characters', { ...event, subject: 'a\u0000b' }],
    ['that are a list', [event]],
    ['that are a text', 'x'],
  ])('%s are refused', (_, payload) => {
    expect(() => readDelivery(structured(payload))).toThrow(expect.objectContaining({ code: 'CLOUDEVENT_INVALID' }));
  });

  it('that are none at all are refused', () => {
    for (const headers of [{}, { 'content-type': 'application/json' }, { 'ce-data': 'x', 'ce-id': '1' }]) {
      expect(() => readDelivery(request({ headers, body: '{}' }))).toThrow(
        expect.objectContaining({ code: 'CLOUDEVENT_INVALID' }),
      );
    }
    expect(() => readDelivery(request({ headers: BATCHED, body: '{}' }))).toThrow(/array/);
  });

  it('never fail otherwise than by a DecodeError', () => {
    const headers = fc.dictionary(
      fc.constantFrom('ce-id', 'ce-source', 'ce-type', 'ce-specversion', 'ce-x'),
      fc.string(),
    );
    const type = fc.constantFrom(STRUCTURED, BATCHED, { 'content-type': 'text/plain' }, {});
    fc.assert(
      fc.property(headers, type, fc.oneof(fc.json(), fc.string(), fc.uint8Array()), (given, contentType, body) => {
        try {
          readDelivery(request({ headers: { ...given, ...contentType }, body }));
        } catch (error) {
          expect((error as Error).name).toBe('DecodeError');
        }
      }),
    );
  });
});

describe('the webhook of CloudEvents', () => {
  const authorization = 'Bearer s3cret';
  const origin = (value: string) => ({ 'webhook-request-origin': value });
  const options = async (headers: Record<string, string>, given = {}) =>
    provider(given).handshake?.(request({ method: 'OPTIONS', headers }));

  it('WH3: is authorized by the header or by access_token', async () => {
    const verify = (fields: RequestFields) => provider().verify(unread(fields));
    expect(await verify({ headers: { authorization } })).toBeUndefined();
    expect(await verify({ url: '/hook?p=q&access_token=s3cret' })).toBeUndefined();
    for (const url of [
      '/hook',
      '/hook?access_token=',
      '/hook?access_token=x',
      '/hook?access_token=s3cret&access_token=s3cret',
    ]) {
      expect(await verify({ url })).toEqual({
        reason: expect.any(String),
        headers: url === '/hook' ? expect.anything() : undefined,
      });
    }
    expect(() => provider({}, [])).toThrow(expect.objectContaining({ code: 'SECRET_EMPTY' }));
    expect(await provider({ auth: { scheme: 'none' } }, []).verify(unread({}))).toBeUndefined();
  });

  it('consents to a handshake', async () => {
    expect(await options(origin('eventgrid.azure.net'))).toEqual({
      status: 200,
      headers: { allow: 'POST', 'webhook-allowed-origin': 'eventgrid.azure.net', 'webhook-allowed-rate': '*' },
    });
    const limited = await options(
      { ...origin('a.example'), 'webhook-request-rate': '120' },
      { requestsPerMinute: 100 },
    );
    expect(limited?.headers).toMatchObject({ 'webhook-allowed-rate': '100' });
    expect(provider().handshake?.(request({ method: 'POST', headers: origin('a.example') }))).toBeUndefined();
  });

  it('does not consent without an origin, or with another than is listed', async () => {
    const origins = ['EventGrid.azure.net'];
    for (const answer of [await options({}), await options(origin('evil.example'), { origins })]) {
      expect(answer).toEqual({ status: 403, headers: { allow: 'POST' } });
    }
    expect((await options(origin('eventgrid.azure.net'), { origins }))?.status).toBe(200);
    const verify = (headers: Record<string, string>) =>
      provider({ origins }).verify(unread({ headers: { authorization, ...headers } }));
    expect(await verify(origin('eventgrid.azure.net'))).toBeUndefined();
    expect(await verify(origin('evil.example'))).toMatchObject({ status: 403 });
    expect(await verify({})).toMatchObject({ status: 403 });
  });

  it('says 415 to formats that it does not know, once it is authorized', async () => {
    const verify = (type: string, headers: Record<string, string> = { authorization }) =>
      provider().verify(unread({ headers: { ...headers, 'content-type': type } }));
    for (const type of [
      'application/cloudevents+avro',
      'application/cloudevents-batch+protobuf',
      'Application/CloudEvents+XML; x=y',
    ]) {
      expect(await verify(type)).toMatchObject({ status: 415 });
      expect(await verify(type, {})).not.toHaveProperty('status');
    }
    for (const type of [
      'application/cloudevents+json',
      'application/cloudevents',
      'application/cloudevents-batch',
      'text/plain',
    ]) {
      expect(await verify(type)).toBeUndefined();
    }
  });
});
