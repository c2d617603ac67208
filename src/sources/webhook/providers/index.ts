import type * as z from 'zod';
import { alertmanager, alertmanagerOptions } from './alertmanager.js';
import { cloudevents, cloudeventsOptions } from './cloudevents.js';
import { generic, genericOptions } from './generic.js';
import { github, githubOptions } from './github.js';
import { gitlab, gitlabOptions } from './gitlab.js';
import { jenkins, jenkinsOptions } from './jenkins.js';
import { pagerduty, pagerdutyOptions } from './pagerduty.js';
import { slack, slackOptions } from './slack.js';
import { standardWebhooks, standardWebhooksOptions } from './standard-webhooks.js';
import { stripe, stripeOptions } from './stripe.js';

/** Who can send, by the name that an endpoint says as its `provider`. Each is one file: its options, and what makes it. */
export const providers = {
  alertmanager: { options: alertmanagerOptions, create: alertmanager },
  cloudevents: { options: cloudeventsOptions, create: cloudevents },
  generic: { options: genericOptions, create: generic },
  github: { options: githubOptions, create: github },
  gitlab: { options: gitlabOptions, create: gitlab },
  jenkins: { options: jenkinsOptions, create: jenkins },
  pagerduty: { options: pagerdutyOptions, create: pagerduty },
  slack: { options: slackOptions, create: slack },
  'standard-webhooks': { options: standardWebhooksOptions, create: standardWebhooks },
  stripe: { options: stripeOptions, create: stripe },
} as const;

export type ProviderName = keyof typeof providers;

type Options<Name extends ProviderName> = (typeof providers)[Name]['options'];

/** What an endpoint may say besides. Only the keys: an object without any would be one of no keys at all. */
export type ProviderOptionsInput<Name extends ProviderName> = Pick<
  z.input<Options<Name>>,
  keyof Options<Name>['shape'] & keyof z.input<Options<Name>>
>;
