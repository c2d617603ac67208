import {
  AuthenticationError,
  FatalError,
  HeadwaterError,
  NotFoundError,
  PermissionError,
  RateLimitedError,
  RetryableError,
} from '../../core/errors.js';

/** A refusal, which Slack answers with HTTP 200: `{ "ok": false, "error": "not_in_channel" }`. */
export interface Refusal {
  error: string;
  /** The scope that is missing, and those that the token has. */
  needed?: string;
  provided?: string;
}

/** What a call was about, for messages. */
export interface Subject {
  /** 'conversations.history' */
  method: string;
  /** The channel, as it was asked for. */
  channel?: string | undefined;
}

/** Codes of what is wrong with one channel and not with the token: others can still be read. */
const OF_ONE_CHANNEL = new Set(['SLACK_NOT_IN_CHANNEL', 'SLACK_CHANNEL_NOT_FOUND', 'SLACK_ARCHIVED']);

export function isAboutOneChannel(error: unknown): error is HeadwaterError {
  return HeadwaterError.isInstance(error) && OF_ONE_CHANNEL.has(error.code);
}

export function hasCode(error: unknown, code: string): boolean {
  return HeadwaterError.isInstance(error) && error.code === code;
}

/**
 * The error that a refusal is, with what to do about it.
 *
 * @param retryAfterMs what the header `Retry-After` asked for
 * @see https://docs.slack.dev/reference/methods/conversations.history#errors
 */
export function refused(refusal: Refusal, subject: Subject, retryAfterMs: number | undefined): HeadwaterError {
  const { error } = refusal;
  const said = `Slack refused ${subject.method}${subject.channel === undefined ? '' : ` of ${subject.channel}`} (${shown(error)})`;
  const make = REFUSALS.get(error);
  if (make !== undefined) return make(said, refusal, retryAfterMs);
  return new FatalError(`${said}. What it means: https://docs.slack.dev/reference/methods/${subject.method}`, {
    code: 'SLACK_REFUSED',
  });
}

type Make = (said: string, refusal: Refusal, retryAfterMs: number | undefined) => HeadwaterError;

const unauthenticated =
  (advice: string): Make =>
  (said) =>
    new AuthenticationError(`${said}: ${advice}`, { code: 'SLACK_AUTHENTICATION' });

const forbidden =
  (advice: string): Make =>
  (said) =>
    new PermissionError(`${said}: ${advice}`, { code: 'SLACK_FORBIDDEN' });

const unavailable: Make = (said, _, retryAfterMs) =>
  new RetryableError(`${said}. It may pass: try again later`, { code: 'SLACK_UNAVAILABLE', retryAfterMs });

const limited: Make = (said, _, retryAfterMs) =>
  new RateLimitedError(
    `${said}. Each method has a limit of its own, shared by all that use this app in the workspace`,
    {
      code: 'SLACK_RATE_LIMITED',
      retryAfterMs,
    },
  );

const missingScope: Make = (said, { needed, provided }) =>
  new PermissionError(
    `${said}: the token lacks the scope ${shown(needed ?? 'that this needs')} and has ${shown(provided ?? 'others')}. ` +
      'Add it to the app under "OAuth & Permissions", install the app again, and use the new token; or leave out, by ' +
      '"types", the kinds of channels that need it',
    { code: 'SLACK_MISSING_SCOPE' },
  );

const notInChannel: Make = (said) =>
  new PermissionError(
    `${said}: the token's owner is not a member. Invite it in Slack (/invite @your-app in the channel), or set ` +
      '"autoJoin" for public channels',
    { code: 'SLACK_NOT_IN_CHANNEL' },
  );

const notFound: Make = (said) =>
  new NotFoundError(
    `${said}: there is no such channel, or it is private and the token's owner is not a member. Check the id, and ` +
      'invite the app to it',
    { code: 'SLACK_CHANNEL_NOT_FOUND' },
  );

const REFUSALS: ReadonlyMap<string, Make> = new Map([
  ['invalid_auth', unauthenticated('the token is not valid. Is it complete, and of this workspace?')],
  ['not_authed', unauthenticated('no token arrived. Does a proxy take out the Authorization header?')],
  ['token_revoked', unauthenticated('the token was revoked. Install the app again and use its new token')],
  ['token_expired', unauthenticated('the token has expired. Refresh it, and create the source with the new one')],
  ['account_inactive', unauthenticated('the account or the workspace of the token was deactivated')],
  ['missing_scope', missingScope],
  ['not_in_channel', notInChannel],
  ['channel_not_found', notFound],
  ['access_denied', forbidden('the workspace does not allow it')],
  ['no_permission', forbidden('the token may not do this: use another kind of token')],
  ['not_allowed_token_type', forbidden('this kind of token may not do this: use a bot or user token')],
  ['ekm_access_denied', forbidden('administrators have suspended the ability to read this')],
  ['team_access_not_granted', forbidden('the app was not given access to this workspace')],
  ['method_not_supported_for_channel_type', forbidden('this kind of conversation cannot be read so')],
  [
    'is_archived',
    (said) =>
      new PermissionError(`${said}: the channel is archived. Unarchive it, or leave it out`, {
        code: 'SLACK_ARCHIVED',
      }),
  ],
  ['thread_not_found', (said) => new NotFoundError(`${said}: the thread is gone`, { code: 'SLACK_THREAD_NOT_FOUND' })],
  ['user_not_found', (said) => new NotFoundError(`${said}: no such person`, { code: 'SLACK_USER_NOT_FOUND' })],
  [
    'invalid_cursor',
    (said) =>
      new FatalError(`${said}: the pages cannot be gone on with. Nothing was lost: run again`, {
        code: 'SLACK_PAGE_CURSOR',
      }),
  ],
  ['ratelimited', limited],
  ['rate_limited', limited],
  ['fatal_error', unavailable],
  ['internal_error', unavailable],
  ['service_unavailable', unavailable],
  ['request_timeout', unavailable],
  ['team_added_to_org', unavailable],
]);

/** Codes and scopes are made of these. Whatever else is answered may be anything, even what was sent. */
function shown(text: string): string {
  return /^[a-z_:.,]{1,300}$/.test(text) ? text : 'in words of no known form';
}
