import { DecodeError } from '../../core/errors.js';

export interface Place {
  file?: string | undefined;
  line?: number | undefined;
  offset?: number | undefined;
}

/** What is wrong, where, and what to do. It never quotes the data, which may be secret. */
export function decodeError(code: string, { file, line, offset }: Place, what: string, cause?: unknown): DecodeError {
  const at: DecodeError['at'] = {};
  if (file !== undefined) at.file = file;
  if (line !== undefined) at.line = line;
  if (offset !== undefined) at.offset = offset;
  const parts = [
    file,
    line === undefined ? undefined : `line ${line}`,
    offset === undefined ? undefined : `byte ${offset}`,
  ];
  const place = parts.filter((part) => part !== undefined).join(', ');
  // A syntax error of JSON.parse quotes what it read, so it is no cause to keep.
  return new DecodeError(place === '' ? what : `${place}: ${what}`, { code, at, cause });
}

export function tooLarge(place: Place, limit: number, option: string): DecodeError {
  return decodeError(
    'RECORD_TOO_LARGE',
    place,
    `more than ${limit} bytes in one record; raise ${option} if that is right`,
  );
}

export function tooDeep(place: Place, limit: number): DecodeError {
  return decodeError('RECORD_TOO_DEEP', place, `nested more than ${limit} deep; raise maxDepth if that is right`);
}
