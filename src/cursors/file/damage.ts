import { CursorError } from '../../core/errors.js';

/** A file that is not as it was written. Nothing ever starts afresh because of one, and none is overwritten. */
export function corruptFile(file: string, reason: string, sourceId: string | undefined): CursorError {
  return new CursorError(`${file} is torn or corrupt: ${reason}. It was not touched`, {
    code: 'CURSOR_CORRUPT',
    sourceId,
  });
}
