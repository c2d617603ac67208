import { CursorError, RetryableError } from '../../core/errors.js';
import { adviceFor, errorCode } from '../../toolkit/durable-file.js';

const CODES: Readonly<Record<string, string>> = {
  ENOSPC: 'CURSOR_DISK_FULL',
  EDQUOT: 'CURSOR_DISK_FULL',
  EACCES: 'CURSOR_ACCESS_DENIED',
  EPERM: 'CURSOR_ACCESS_DENIED',
  EROFS: 'CURSOR_ACCESS_DENIED',
  ELOOP: 'CURSOR_UNSAFE_PATH',
  ENOTDIR: 'CURSOR_UNSAFE_PATH',
};

const NO_HARD_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** What failed, where, and what to do about it, instead of a bare error of the file system. Others pass as they are. */
export function explainFailure(error: unknown, action: string, path: string, sourceId: string | undefined): unknown {
  const code = errorCode(error);
  if (code === undefined || !/^E(?!RR_)[A-Z0-9]+$/.test(code)) return error;
  const { syscall } = error as { syscall?: unknown };
  const advice = adviceFor(syscall === 'link' && NO_HARD_LINKS.has(code) ? 'ENOTSUP' : code);
  const subject = sourceId === undefined ? 'the cursors' : `the cursor of "${sourceId}"`;
  // A disk that is full or fails may be mended while the process runs; a refusal stays one.
  const Failure = CODES[code] === undefined || CODES[code] === 'CURSOR_DISK_FULL' ? RetryableError : CursorError;
  return new Failure(
    `could not ${action} ${subject} in ${path} (${code}): ${advice}. Nothing that was saved before is lost`,
    {
      code: CODES[code] ?? 'CURSOR_IO',
      sourceId,
      cause: error,
    },
  );
}
