import { MissingPeerError } from '../core/errors.js';

/**
 * What to throw when an optional package could not be loaded: a MissingPeerError with the install line when it is not
 * there, whatever else went wrong as it is. The import is written out by the caller, within a `try`: that is how
 * bundlers are told that it may fail.
 *
 * ```ts
 * try {
 *   return await import('yaml');
 * } catch (error) {
 *   throw peerFailure('yaml', error);
 * }
 * ```
 */
export function peerFailure(name: string, error: unknown): unknown {
  return isMissing(error, name) ? new MissingPeerError([name], { cause: error }) : error;
}

/** A package that is there may lack one of its own: that is another error, with another remedy. */
function isMissing(error: unknown, name: string): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  return [`'${name}'`, `"${name}"`].some((quoted) => error.message.includes(quoted));
}
