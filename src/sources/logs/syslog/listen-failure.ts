import { FatalError, HeadwaterError, PermissionError, RetryableError } from '../../../core/errors.js';
import type { ListenerConfig } from './config.js';

/** Why it cannot be listened somewhere, as an error that says what to do. */
export function listenFailure(error: unknown, where: ListenerConfig, sourceId: string): HeadwaterError {
  if (HeadwaterError.isInstance(error)) return error;
  const systemCode = (error as { code?: unknown }).code;
  const what = `source "${sourceId}" cannot listen on ${describe(where)}`;
  const fields = { code: 'SYSLOG_LISTEN', sourceId, cause: error };
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

function describe(where: ListenerConfig): string {
  return where.transport === 'unix'
    ? `unix:${where.path}`
    : `${where.transport}://${hostText(where.host)}:${where.port}`;
}

function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
