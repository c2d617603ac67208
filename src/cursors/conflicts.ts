import { CursorConflictError } from '../core/errors.js';

/** The record is not at the revision the writer thinks it is. */
export function revisionConflict(sourceId: string, expected: number, found: number): CursorConflictError {
  const message =
    found === 0
      ? `there is no cursor of "${sourceId}", revision ${expected} was expected: somebody deleted it`
      : `the cursor of "${sourceId}" is at revision ${found}, ${expected} was expected: somebody else saves it. ` +
        'Run one writer per source, or take a lease first';
  return new CursorConflictError(message, { code: 'CURSOR_CONFLICT', sourceId, expected, found });
}

/** A later lease was granted; `expected` and `found` are its tokens. */
export function fenced(sourceId: string, fence: number, token: number, holder: string): CursorConflictError {
  return new CursorConflictError(
    `lease ${fence} on "${sourceId}" is lost: lease ${token} was granted to "${holder}" since. Nothing was saved; stop`,
    { code: 'FENCED', sourceId, expected: fence, found: token },
  );
}

/** Somebody else holds the lease; `found` is their token, `expected` 0 for "nobody". */
export function leaseHeld(sourceId: string, token: number, holder: string, expiresAt: Date): CursorConflictError {
  return new CursorConflictError(
    `"${sourceId}" is leased to "${holder}" until ${expiresAt.toISOString()}: wait, or stop that holder`,
    { code: 'LEASE_HELD', sourceId, expected: 0, found: token },
  );
}
