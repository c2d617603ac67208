import { FatalError, HeadwaterError, PermissionError, RetryableError } from '../core/errors.js';

/** Why it cannot be listened somewhere, as an error that says what to do. */
export function listenFailure(
  error: unknown,
  { where, sourceId, code }: { where: string; sourceId: string; code: string },
): HeadwaterError {
  if (HeadwaterError.isInstance(error)) return error;
  const systemCode = (error as { code?: unknown }).code;
  const what = `source "${sourceId}" cannot listen on ${where}`;
  const fields = { code, sourceId, cause: error };
  switch (systemCode) {
    case 'EADDRINUSE':
      return new RetryableError(`${what}: somebody else does. End that, or choose another address`, fields);
    case 'EACCES':
    case 'EPERM':
      return new PermissionError(`${what}: it is not permitted. Ports below 1024 need a privilege`, fields);
    default:
      return new FatalError(`${what}: ${String(systemCode ?? error)}. Check host, path and files`, fields);
  }
}

/** A host as it stands in a URL. */
export function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
