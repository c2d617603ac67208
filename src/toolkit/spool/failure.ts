import { FatalError, RetryableError } from '../../core/errors.js';
import { adviceFor, errorCode } from '../durable-file.js';

const DISK_FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const REFUSED = new Set(['EACCES', 'EPERM', 'EROFS', 'ELOOP', 'ENOTDIR']);

export function isDiskFull(error: unknown): boolean {
  return DISK_FULL.has(errorCode(error) ?? '');
}

/** Of a spool in use: all that the file system refuses may be mended while the process runs. Others pass as they are. */
export function spoolFailure(error: unknown, action: string, directory: string): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  return new RetryableError(`could not ${action} the spool in ${directory} (${code}): ${adviceFor(code)}`, {
    code: isDiskFull(error) ? 'SPOOL_DISK_FULL' : 'SPOOL_IO',
    cause: error,
  });
}

/** Of a spool that is being opened: a refusal stays one. */
export function openingFailure(error: unknown, directory: string): unknown {
  const code = systemCode(error);
  if (code === undefined || !REFUSED.has(code)) return spoolFailure(error, 'open', directory);
  return new FatalError(`could not open the spool in ${directory} (${code}): ${adviceFor(code)}`, {
    code: 'SPOOL_ACCESS_DENIED',
    cause: error,
  });
}

function systemCode(error: unknown): string | undefined {
  const code = errorCode(error);
  return code !== undefined && /^E(?!RR_)[A-Z0-9]+$/.test(code) ? code : undefined;
}
