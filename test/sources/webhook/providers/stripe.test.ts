import fc from 'fast-check';
import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import {
  readStripe,
  type StripePayload,
  type StripeWebhookEvents,
  stripe,
  stripeOptions,
} from '../../../../src/sources/webhook/providers/stripe.js';
import { signHmac } from '../../../../src/toolkit/signature.js';
import { request, unread } from './request.js';

const SECRET = 'whsec_test_secret';
const theirs = new Stripe('sk_test_123');
const now = () => Math.floor(Date.now() / 1_000);

const invoice = {
  id: 'evt_1NG8Du2eZvKYlo2CUI79vXWy',
  object: 'event',
  api_version: '2026-01-01',
  created: 1_767_323_045,
  livemode: false,
  pending_webhooks: 1,
  type: 'invoice.paid',
  data: { object: { id: 'in_1', object: 'invoice', amount_paid: 2_000 } },
  request: { id: null, idempotency_key: null },
};

const read = (payload: unknown) => readStripe(request({ body: JSON.stringify(payload) }));

describe('the signature of Stripe', () => {
  it('of the package stripe is believed, for any body and secret', async () => {
    const secret = fc.string({ unit: 'grapheme-ascii', minLength: 1 });
    await fc.assert(
      fc.asyncProperty(secret, fc.string({ unit: 'grapheme' }), async (key, payload) => {
        const timestamp = now();
        const header = theirs.webhooks.generateTestHeaderString({ payload, secret: key, timestamp });
        const fields = { headers: { 'stripe-signature': header }, body: payload, receivedAt: timestamp * 1_000 };
        expect(await stripe(stripeOptions.parse({}), [key]).verify(unread(fields))).toBeUndefined();
        expect(await stripe(stripeOptions.parse({}), [`${key}x`]).verify(unread(fields))).toEqual({
          reason: expect.any(String),
        });
      }),
    );
  });

  it('of ours is believed by the package stripe', () => {
    fc.assert(
      fc.property(fc.json(), (given) => {
        const time = now();
        const body = JSON.stringify({ id: 'evt_1', object: 'event', given });
        const header = `t=${time},v0=00,v1=${signHmac(SECRET, [`${time}.`, body])}`;
        expect(theirs.webhooks.constructEvent(body, header, SECRET).id).toBe('evt_1');
        expect(() => theirs.webhooks.constructEvent(`${body} `, header, SECRET)).toThrow(/signature/);
      }),
    );
  });

  it('WH4: v0, which is made with any secret, is passed over', async () => {
    const body = JSON.stringify(invoice);
    const signature = signHmac(SECRET, [`${now()}.`, body]);
    const verify = (header: string) =>
      stripe(stripeOptions.parse({}), [SECRET]).verify(
        unread({ headers: { 'stripe-signature': header }, body, receivedAt: now() * 1_000 }),
      );
    expect(await verify(`t=${now()},v0=${signature}`)).toEqual({ reason: expect.any(String) });
    expect(await verify(`t=${now()},v0=00,v1=${signature}`)).toBeUndefined();
    expect(await verify(`v1=${signature},t=${now()}`)).toBeUndefined();
  });

  it('WH3: with two times is not believed', async () => {
    const body = JSON.stringify(invoice);
    const signature = signHmac(SECRET, [`${now()}.`, body]);
    const headers = { 'stripe-signature': `t=${now()},t=${now() - 9_999},v1=${signature}` };
    const refusal = await stripe(stripeOptions.parse({}), [SECRET]).verify(
      unread({ headers, body, receivedAt: now() * 1_000 }),
    );
    expect(refusal).toEqual({ reason: expect.any(String) });
  });

  it('WH5: may be older where the host says so', async () => {
    const time = now() - 600;
    const headers = { 'stripe-signature': `t=${time},v1=${signHmac(SECRET, [`${time}.`, 'x'])}` };
    const fields = { headers, body: 'x', receivedAt: now() * 1_000 };
    expect(await stripe({ toleranceMs: 601_000 }, [SECRET]).verify(unread(fields))).toBeUndefined();
    expect(await stripe({ toleranceMs: 60_000 }, [SECRET]).verify(unread(fields))).toEqual({
      reason: expect.any(String),
    });
  });
});

describe('events of Stripe', () => {
  it('are of the type that Stripe names', () => {
    expect(read(invoice)).toEqual({
      id: invoice.id,
      events: [
        {
          type: 'stripe.invoice.paid',
          id: invoice.id,
          time: '2026-01-02T03:04:05.000Z',
          subject: 'in_1',
          data: invoice,
        },
      ],
    });
  });

  it('may name their object only', () => {
    const thin = {
      id: 'evt_2',
      object: 'v2.core.event',
      type: 'v2.core.account[requirements].updated',
      created: '2026-01-02T03:04:05.678Z',
      livemode: true,
      related_object: { id: 'acct_1', type: 'v2.core.account' },
    };
    const { events } = read(thin);
    expect(events[0]).toMatchObject({ type: `stripe.${thin.type}`, time: thin.created, subject: 'acct_1', data: thin });
  });

  it('hold no secret of the customer', () => {
    const object = { id: 'pi_1', object: 'payment_intent', client_secret: 'pi_1_secret_abc', amount: 5 };
    const [event] = read({ ...invoice, type: 'payment_intent.created', data: { object } }).events;
    expect(JSON.stringify(event)).not.toContain('secret_abc');
    expect(event?.data.data?.object).toEqual({ ...object, client_secret: null });
  });

  it.each([
    ['no id', { ...invoice, id: 1 }],
    ['no type', { ...invoice, type: undefined }],
    ['a list', [invoice]],
  ])('cannot be read from %s', (_, payload) => {
    expect(() => read(payload)).toThrow(expect.objectContaining({ code: 'WEBHOOK_PAYLOAD' }));
  });

  it('can be typed by the package stripe', () => {
    const describeIt = (event: StripeWebhookEvents<Stripe.Event>): string =>
      event.type === 'stripe.invoice.paid' ? `paid ${event.data.data.object.amount_paid}` : event.type;
    const typed: StripePayload = invoice as unknown as StripePayload;
    const event = { ...read(typed).events[0], source: 's', sourceid: 'i', sourcetype: 'webhook', specversion: '1.0' };
    expect(describeIt(event as unknown as StripeWebhookEvents<Stripe.Event>)).toBe('paid 2000');
  });
});
