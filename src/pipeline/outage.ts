import { ConfigError, FatalError, RetryableError } from '../core/errors.js';

/** What an outage causes is not the fault of an event, and what needs the host's hand is not either. */
export function isOutage(error: unknown): boolean {
  return RetryableError.isInstance(error) || FatalError.isInstance(error) || ConfigError.isInstance(error);
}
