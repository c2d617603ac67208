import { ConnectionError, FatalError, HeadwaterError, PermissionError, RetryableError } from '../../../core/errors.js';
import { redactText } from '../../../core/secret.js';
import { messageOf } from '../../../core/thrown.js';
import { failureCode } from '../../../toolkit/sql/failure.js';
import { configError, toReadFailure } from '../failure.js';

/** What an error of a replication connection means. */
export function toReplicationFailure(error: unknown, sourceId: string, slot: string): unknown {
  if (HeadwaterError.isInstance(error)) return error;
  const code = failureCode(error) ?? '';
  const said = redactText(messageOf(error));
  const fields = (name: string) => ({ code: name, sourceId, cause: error });
  if (code === '55006') return slotInUse(slot, sourceId, error);
  if (code === '42501') {
    const message = `the server does not let this user replicate (${said}): ALTER ROLE … REPLICATION, and SELECT on the tables`;
    return new PermissionError(message, fields('DATABASE_REPLICATION_ROLE'));
  }
  if (code === '53400') {
    const message = `the server has no slot left (${said}): raise max_replication_slots, or drop one that nobody reads`;
    return new FatalError(message, fields('DATABASE_NO_SLOT_LEFT'));
  }
  if (/^42704/.test(code) && /publication/.test(said)) {
    return configError(
      sourceId,
      'DATABASE_PUBLICATION',
      `the server does not know the publication (${said})`,
      'it must have been there before the slot: drop the slot, and start without a cursor',
    );
  }
  // The slot or its log went away under us: whether history is lost is found out by looking again.
  if (/^(42704|55000|58P01|XX000)/.test(code)) {
    return new RetryableError(`the stream was ended by the server (${said})`, fields('DATABASE_STREAM_ENDED'));
  }
  if (error instanceof RangeError) {
    return new ConnectionError(
      `the stream could not be understood (${said}): it is begun anew`,
      fields('DATABASE_STREAM'),
    );
  }
  return toReadFailure(error, sourceId);
}

export function slotInUse(slot: string, sourceId: string, cause?: unknown): RetryableError {
  const message = `somebody else reads the slot ${slot}: each slot has one reader; end the other, or give this source a slot of its own`;
  return new RetryableError(message, { code: SLOT_IN_USE, sourceId, cause });
}

export function isSlotInUse(error: unknown): boolean {
  return RetryableError.isInstance(error) && error.code === SLOT_IN_USE;
}

const SLOT_IN_USE = 'DATABASE_SLOT_IN_USE';
