import { MissingPeerError } from '../core/errors.js';

/**
 * Loads an optional package when it is needed. The import is written out by the caller, so that bundlers see it.
 *
 * ```ts
 * const { Octokit } = await importPeer('@octokit/rest', () => import('@octokit/rest'));
 * ```
 * @throws MissingPeerError with the install line when this package is not there; whatever else went wrong as it is
 */
export async function importPeer<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if (isMissing(error, name)) throw new MissingPeerError([name], { cause: error });
    throw error;
  }
}

/** A package that is there may lack one of its own: that is another error, with another remedy. */
function isMissing(error: unknown, name: string): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  return [`'${name}'`, `"${name}"`].some((quoted) => error.message.includes(quoted));
}
