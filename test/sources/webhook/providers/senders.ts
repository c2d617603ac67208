import { createHmac, generateKeyPairSync, sign as signWithKey } from 'node:crypto';
import type { WebhookProvider } from '../../../../src/sources/webhook/provider.js';
import { generic, genericOptions } from '../../../../src/sources/webhook/providers/generic.js';
import { github } from '../../../../src/sources/webhook/providers/github.js';
import { gitlab, gitlabOptions } from '../../../../src/sources/webhook/providers/gitlab.js';
import { pagerduty } from '../../../../src/sources/webhook/providers/pagerduty.js';
import { slack, slackOptions } from '../../../../src/sources/webhook/providers/slack.js';
import {
  standardWebhooks,
  standardWebhooksOptions,
} from '../../../../src/sources/webhook/providers/standard-webhooks.js';
import { stripe, stripeOptions } from '../../../../src/sources/webhook/providers/stripe.js';

export interface Message {
  readonly id: string;
  readonly seconds: number;
  readonly body: Uint8Array;
}

/** What is given to the receiver, and what the sender signs with: the same, but for keys of two halves. */
export interface SecretPair {
  readonly known: string;
  readonly signing: string;
}

/** A sender that signs what it sends. Signed here with node:crypto alone, byte by byte as its documentation says. */
export interface Sender {
  readonly name: string;
  /** Another name for the second way in which one provider is signed to. */
  readonly way?: string;
  /** Of its endpoint. */
  readonly options?: object;
  create(secrets: readonly string[]): WebhookProvider;
  newSecret(): SecretPair;
  /** Headers of a message, signed with each of the secrets if the sender does such a thing. */
  sign(message: Message, secrets: readonly SecretPair[]): Record<string, string>;
  /** The header with the signatures. */
  readonly signature: string;
  /** Other headers that are signed. */
  readonly signed: readonly string[];
  readonly signsTime: boolean;
  /** Whether several signatures fit into one request. */
  readonly signsTwice: boolean;
  /** A signature of a version that nobody knows, as it is put beside others. */
  readonly unknownVersion?: (header: string) => string;
  /** Headers that are not signed, and without which it cannot be read. */
  unsigned?(message: Message): Record<string, string>;
  /** A body that can be read. */
  readonly body: string;
  /** An example that was published, as it was published. */
  readonly published?: {
    readonly secret: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly seconds: number;
  };
}

let count = 0;
const text = (): SecretPair => {
  count += 1;
  return { known: `secret-${count}`, signing: `secret-${count}` };
};
const whsec = (): SecretPair => {
  count += 1;
  const secret = `whsec_${Buffer.from(`a secret of 24 bytes ${String(count).padStart(3, '0')}`).toString('base64')}`;
  return { known: secret, signing: secret };
};

function hmac(key: string | Uint8Array, encoding: 'hex' | 'base64', ...parts: (string | Uint8Array)[]): string {
  const made = createHmac('sha256', key);
  for (const part of parts) made.update(part);
  return made.digest(encoding);
}

const keyOf = (secret: string): Buffer => Buffer.from(secret.slice('whsec_'.length), 'base64');

function standardHeaders({ id, seconds, body }: Message, secrets: readonly SecretPair[]): Record<string, string> {
  const signatures = secrets.map(({ signing }) => `v1,${hmac(keyOf(signing), 'base64', `${id}.${seconds}.`, body)}`);
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signatures.join(' ') };
}

function newKeyPair(): SecretPair {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url');
  return {
    known: `whpk_${raw.toString('base64')}`,
    signing: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

const SLACK_COMMAND =
  'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar' +
  '&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com' +
  '%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.' +
  '803a0bc887a14d10d2c447fce8b6703c';

const GENERIC = {
  auth: {
    scheme: 'hmac',
    header: 'x-signature',
    encoding: 'base64',
    prefix: 'v1:',
    timestamp: { header: 'x-time' },
  },
  id: { header: 'x-id' },
};

const standard = {
  signature: 'webhook-signature',
  signed: ['webhook-id', 'webhook-timestamp'],
  signsTime: true,
  signsTwice: true,
  unknownVersion: (header: string) => `v9,AAAA ${header}`,
} as const;

export const senders: readonly Sender[] = [
  {
    name: 'github',
    create: (secrets) => github({}, secrets),
    newSecret: text,
    sign: ({ body }, [secret]) => ({ 'x-hub-signature-256': `sha256=${hmac(secret?.signing ?? '', 'hex', body)}` }),
    unsigned: ({ id }) => ({ 'x-github-event': 'push', 'x-github-delivery': id }),
    signature: 'x-hub-signature-256',
    signed: [],
    signsTime: false,
    signsTwice: false,
    body: '{"ref":"refs/heads/main"}',
    published: {
      secret: "It's a Secret to Everybody",
      headers: { 'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17' },
      body: 'Hello, World!',
      seconds: 0,
    },
  },
  {
    name: 'generic',
    way: 'HMAC with a time',
    options: GENERIC,
    create: (secrets) => generic(genericOptions.parse(GENERIC), secrets),
    newSecret: text,
    sign: ({ seconds, body }, [secret]) => ({
      'x-time': String(seconds),
      'x-signature': `v1:${hmac(secret?.signing ?? '', 'base64', `${seconds}.`, body)}`,
    }),
    unsigned: ({ id }) => ({ 'x-id': id, 'content-type': 'application/json' }),
    signature: 'x-signature',
    signed: ['x-time'],
    signsTime: true,
    signsTwice: false,
    body: '{"a":1}',
  },
  {
    name: 'pagerduty',
    create: (secrets) => pagerduty({}, secrets),
    newSecret: text,
    sign: ({ body }, secrets) => ({
      'x-pagerduty-signature': secrets.map(({ signing }) => `v1=${hmac(signing, 'hex', body)}`).join(','),
    }),
    signature: 'x-pagerduty-signature',
    signed: [],
    signsTime: false,
    signsTwice: true,
    unknownVersion: (header) => `v9=00,${header}`,
    body: '{"event":{"id":"01AB","event_type":"incident.triggered","data":{"id":"PQ"}}}',
  },
  {
    name: 'stripe',
    create: (secrets) => stripe(stripeOptions.parse({}), secrets),
    newSecret: text,
    sign: ({ seconds, body }, secrets) => ({
      'stripe-signature': [
        `t=${seconds}`,
        ...secrets.map(({ signing }) => `v1=${hmac(signing, 'hex', `${seconds}.`, body)}`),
      ].join(','),
    }),
    signature: 'stripe-signature',
    signed: [],
    signsTime: true,
    signsTwice: true,
    unknownVersion: (header) => `${header},v0=00,v9=00`,
    body: '{"id":"evt_1","object":"event","type":"invoice.paid","created":1700000000}',
  },
  {
    name: 'slack',
    create: (secrets) => slack(slackOptions.parse({}), secrets),
    newSecret: text,
    sign: ({ seconds, body }, [secret]) => ({
      'x-slack-request-timestamp': String(seconds),
      'x-slack-signature': `v0=${hmac(secret?.signing ?? '', 'hex', `v0:${seconds}:`, body)}`,
    }),
    signature: 'x-slack-signature',
    signed: ['x-slack-request-timestamp'],
    signsTime: true,
    signsTwice: false,
    body: '{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}',
    published: {
      secret: '8f742231b10e8888abcd99yyyzzz85a5',
      headers: {
        'x-slack-request-timestamp': '1531420618',
        'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
      },
      body: SLACK_COMMAND,
      seconds: 1_531_420_618,
    },
  },
  {
    ...standard,
    name: 'standard-webhooks',
    create: (secrets) => standardWebhooks(standardWebhooksOptions.parse({}), secrets),
    newSecret: whsec,
    sign: standardHeaders,
    body: '{"type":"user.created","data":{"id":1}}',
    published: {
      secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      headers: {
        'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'webhook-timestamp': '1614265330',
        'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
      body: '{"test": 2432232314}',
      seconds: 1_614_265_330,
    },
  },
  {
    ...standard,
    name: 'standard-webhooks',
    way: 'Ed25519',
    create: (secrets) => standardWebhooks(standardWebhooksOptions.parse({}), secrets),
    newSecret: newKeyPair,
    sign: ({ id, seconds, body }, secrets) => ({
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': secrets
        .map(({ signing }) => {
          const signed = signWithKey(null, Buffer.concat([Buffer.from(`${id}.${seconds}.`), body]), signing);
          return `v1a,${signed.toString('base64')}`;
        })
        .join(' '),
    }),
    body: '{"type":"user.created","data":{"id":1}}',
  },
  {
    ...standard,
    name: 'gitlab',
    create: (secrets) => gitlab(gitlabOptions.parse({}), secrets),
    newSecret: whsec,
    sign: standardHeaders,
    body: '{"object_kind":"push","commits":[],"total_commits_count":0}',
  },
];
