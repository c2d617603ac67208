import {
  AuthenticationError,
  ConnectionError,
  FatalError,
  HeadwaterError,
  NotFoundError,
  PermissionError,
  RetryableError,
} from '../../../core/errors.js';
import { redactText } from '../../../core/secret.js';
import { messageOf } from '../../../core/thrown.js';

/**
 * What an error of RabbitMQ or of its client means for who reads. The codes are those of AMQP 0-9-1, in the text where
 * the client has no field for them.
 * @see https://www.rabbitmq.com/amqp-0-9-1-reference#constants
 */
export function toReadFailure(error: unknown, sourceId: string): unknown {
  if (HeadwaterError.isInstance(error)) return error;
  const said = redactText(messageOf(error));
  const fields = (code: string) => ({ code, sourceId, cause: error });
  const code = codeOf(error, said);
  if (/Handshake terminated/.test(said) && code === 403) {
    return new AuthenticationError(
      `RabbitMQ lets nobody in (${said}): check user and password`,
      fields('RABBITMQ_LOGIN'),
    );
  }
  if (/ConnectionOpenOk/.test(said) || code === 530) {
    const message = `RabbitMQ has no such virtual host, or the user may not enter it (${said}): check the path of the URL`;
    return new NotFoundError(message, fields('RABBITMQ_NO_VHOST'));
  }
  if (/acknowledgement .*timed out/.test(said)) {
    const message = `a message was not acknowledged in time (${said}): lower prefetch, or raise consumer_timeout of the broker`;
    return new RetryableError(message, fields('RABBITMQ_SLOW'));
  }
  return byCode(code, said, fields);
}

function byCode(code: number | undefined, said: string, fields: (code: string) => object): HeadwaterError {
  switch (code) {
    case 403:
      return new PermissionError(
        `RabbitMQ does not allow it (${said}): grant the user configure, write or read`,
        fields('RABBITMQ_NOT_ALLOWED'),
      );
    case 404:
      return new NotFoundError(
        `RabbitMQ has no such queue or exchange (${said}): create it, or set declare`,
        fields('RABBITMQ_MISSING'),
      );
    case 405:
      return new RetryableError(`another consumer has the queue for itself (${said})`, fields('RABBITMQ_LOCKED'));
    case 406:
    case 540:
      return new FatalError(
        `the queue is not as it is asked for (${said}): make mode, declare and the queue agree`,
        fields('RABBITMQ_MISMATCH'),
      );
    default:
      return new ConnectionError(
        `RabbitMQ cannot be reached (${said}): see that it runs, and its address`,
        fields('RABBITMQ_CONNECTION'),
      );
  }
}

function codeOf(error: unknown, said: string): number | undefined {
  const { code } = error as { code?: unknown };
  if (typeof code === 'number') return code;
  const found = /\b([2-5]\d\d) \([A-Z-]+\)/.exec(said);
  return found === null ? undefined : Number(found[1]);
}
