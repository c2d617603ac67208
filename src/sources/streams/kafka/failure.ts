import {
  AuthenticationError,
  ConnectionError,
  FatalError,
  HeadwaterError,
  NotFoundError,
  PermissionError,
} from '../../../core/errors.js';
import { redactText } from '../../../core/secret.js';
import { messageOf } from '../../../core/thrown.js';

interface ClientFailure {
  readonly name?: unknown;
  /** The name that the protocol has for it. */
  readonly type?: unknown;
  readonly retriable?: unknown;
  readonly cause?: unknown;
  readonly originalError?: unknown;
}

const LOGIN = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'ILLEGAL_SASL_STATE',
  'UNSUPPORTED_SASL_MECHANISM',
  'KafkaJSSASLAuthenticationError',
]);
const NOT_ALLOWED = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
]);
const NO_TOPIC = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_TOPIC_EXCEPTION']);
const OTHER_GROUP = new Set(['INCONSISTENT_GROUP_PROTOCOL']);
const REFUSED = new Set([
  'INVALID_SESSION_TIMEOUT',
  'INVALID_GROUP_ID',
  'UNSUPPORTED_VERSION',
  'GROUP_MAX_SIZE_REACHED',
  'KafkaJSNotImplemented',
]);

/** What a commit is refused with when the group has moved on: the messages come again, to whoever has the partition. */
const MOVED_ON = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS', 'FENCED_INSTANCE_ID']);

export function isMovedOn(error: unknown): boolean {
  return rootsOf(error).some(({ type }) => MOVED_ON.has(String(type)));
}

/**
 * What an error of the client means for who reads.
 * @see https://kafka.apache.org/protocol.html#protocol_error_codes
 */
export function toReadFailure(error: unknown, sourceId: string): unknown {
  if (HeadwaterError.isInstance(error)) return error;
  const roots = rootsOf(error);
  const said = redactText(messageOf(roots.at(-1) ?? error));
  const fields = (code: string) => ({ code, sourceId, cause: error });
  const is = (names: ReadonlySet<string>): boolean =>
    roots.some(({ type, name }) => names.has(String(type)) || names.has(String(name)));
  if (is(LOGIN)) {
    const message = `Kafka lets nobody in (${said}): check mechanism, user and password`;
    return new AuthenticationError(message, fields('KAFKA_LOGIN'));
  }
  if (is(NOT_ALLOWED)) {
    const message = `Kafka does not allow it (${said}): grant the user READ on topic and group`;
    return new PermissionError(message, fields('KAFKA_NOT_ALLOWED'));
  }
  if (is(NO_TOPIC)) {
    return new NotFoundError(`Kafka has no such topic (${said}): create it`, fields('KAFKA_NO_TOPIC'));
  }
  if (is(OTHER_GROUP)) {
    const message = `the group is of another type (${said}): give this source a group of its own`;
    return new FatalError(message, fields('KAFKA_GROUP'));
  }
  if (is(REFUSED)) {
    return new FatalError(`Kafka refused what was asked (${said}): check the configuration`, fields('KAFKA_REFUSED'));
  }
  const message = `Kafka cannot be reached (${said}): see that it runs, and the addresses of its brokers`;
  return new ConnectionError(message, fields('KAFKA_CONNECTION'));
}

/** The error and what it was made of. */
function rootsOf(error: unknown): readonly ClientFailure[] {
  const found: ClientFailure[] = [];
  for (let at = error; typeof at === 'object' && at !== null && found.length < 8; ) {
    const failure = at as ClientFailure;
    found.push(failure);
    at = failure.cause ?? failure.originalError;
  }
  return found;
}
