import type { LogFilesConfig } from './config.js';

/** Whether a line with that time is earlier than what is wanted. */
export type IsPassed = (file: string, time: string | undefined) => boolean;

/**
 * For sources that start at a time; undefined for those that start otherwise. A line without a time is of the time of the
 * line before it in its file.
 */
export function passedBefore(start: LogFilesConfig['start']): IsPassed | undefined {
  if (start === 'beginning' || start === 'end') return undefined;
  const from = Date.parse(start);
  const isBefore = new Map<string, boolean>();
  return (file, time) => {
    if (time !== undefined) isBefore.set(file, Date.parse(time) < from);
    return isBefore.get(file) ?? false;
  };
}
