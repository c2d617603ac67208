import type { EventPayloadMap } from '@octokit/webhooks-types';
import type { GenericMessageEvent, SlackEvent } from '@slack/types';
import type { GapEvent, SourceEvent } from 'headwater';
import {
  type AlertmanagerEvent,
  type CloudEventsEvent,
  type GitHubWebhookEvents,
  type GitlabEvent,
  type GitlabJob,
  type GitlabPush,
  type JenkinsEvent,
  type PagerDutyEvent,
  type PagerDutyIncident,
  type SlackWebhookEvents,
  type StripePayload,
  type StripeWebhookEvents,
  WebhookSource,
} from 'headwater/sources/webhook';
import type Stripe from 'stripe';
import { describe, expectTypeOf, test } from 'vitest';

/** The data of the events of a type. */
type Data<Event extends SourceEvent, Type extends string> =
  Event extends SourceEvent<infer Own, infer Payload> ? (Type extends Own ? Payload : never) : never;

describe('events of webhooks', () => {
  test('are told apart by their type', () => {
    const take = (event: GitlabEvent | JenkinsEvent | AlertmanagerEvent | PagerDutyEvent | GapEvent): void => {
      if (event.type === 'gitlab.push') expectTypeOf(event.data).toEqualTypeOf<GitlabPush>();
      if (event.type === 'gitlab.job.failed') expectTypeOf(event.data).toEqualTypeOf<GitlabJob>();
      if (event.type === 'jenkins.build.started') expectTypeOf(event.data.build.number).toEqualTypeOf<number>();
      if (event.type === 'alertmanager.alert') expectTypeOf(event.data.endsAt).toEqualTypeOf<string | undefined>();
      if (event.type === 'pagerduty.incident.triggered')
        expectTypeOf(event.data.data).toEqualTypeOf<PagerDutyIncident>();
      if (event.type === 'headwater.gap') expectTypeOf(event).toEqualTypeOf<GapEvent>();
      // @ts-expect-error GitLab has no such event.
      if (event.type === 'gitlab.psuh') return;
    };
    expectTypeOf(take).toBeFunction();
  });

  test('have the types of the vendors, where the host has their packages', () => {
    type Slack = SlackWebhookEvents<SlackEvent>;
    expectTypeOf<Data<Slack, 'slack.app_mention'>['event']['text']>().toEqualTypeOf<string>();
    expectTypeOf<GenericMessageEvent>().toExtend<Data<Slack, 'slack.message'>['event']>();
    type Payments = StripeWebhookEvents<Stripe.Event>;
    expectTypeOf<Data<Payments, 'stripe.invoice.paid'>>().toEqualTypeOf<Stripe.InvoicePaidEvent>();
    expectTypeOf<Stripe.InvoicePaidEvent['type']>().toEqualTypeOf<'invoice.paid'>();
    type Code = GitHubWebhookEvents<EventPayloadMap>;
    expectTypeOf<Data<Code, 'github.push'>['ref']>().toEqualTypeOf<string>();
  });

  test('of CloudEvents have the types that the host gives them', () => {
    type Order = CloudEventsEvent<'com.example.order', { total: number }>;
    expectTypeOf<Order['type']>().toEqualTypeOf<'cloudevents.com.example.order'>();
    expectTypeOf<NonNullable<Order['data']['data']>['total']>().toEqualTypeOf<number>();
    expectTypeOf<Order['data']['source']>().toEqualTypeOf<string>();
  });

  test('have what every payload has without such a package', () => {
    expectTypeOf<StripePayload['type']>().toEqualTypeOf<string>();
  });
});

describe('endpoints', () => {
  test('take the options of their provider, and no others', () => {
    const create = (): unknown =>
      WebhookSource.create({
        id: 'hooks',
        config: {
          endpoints: {
            slack: { provider: 'slack', delayedEvents: true, path: '/slack' },
            jenkins: { provider: 'jenkins', auth: { scheme: 'query', parameter: 'key' } },
            pager: { provider: 'pagerduty', deadlineMs: 4_000 },
            // @ts-expect-error The signature of PagerDuty has no time.
            other: { provider: 'pagerduty', toleranceMs: 1 },
          },
        },
      });
    expectTypeOf(create).toBeFunction();
  });
});
