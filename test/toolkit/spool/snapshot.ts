import { cpSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The files of a spool as a killed process leaves them: without its sockets. */
export function snapshotOf(directory: string, to: string): string {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(directory)) {
    if (statSync(join(directory, name)).isFile()) cpSync(join(directory, name), join(to, name));
  }
  return to;
}

/** The path of the newest segment. */
export function newestSegment(directory: string): string {
  const names = readdirSync(directory).filter((name) => name.endsWith('.segment'));
  return join(directory, names.sort().at(-1) ?? '');
}
