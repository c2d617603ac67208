import { compileGlobs } from '../glob.js';
import { parentOf, pathIn } from './paths.js';

/**
 * What rotation puts behind a name or in front of its extension: a number or a date, and the extension of gzip.
 * As of logrotate (`.1`, `-20261125`, `.2.gz`), log4j and others (`app-2026-11-25.log`).
 */
const SUFFIX = String.raw`[-._]\d[-.\d_T:]*`;

/** Whether a path may be what became of another one. */
export type RotatedNames = (path: string, of: string) => boolean;

/**
 * @param globs - relative to the directory of the file, for names that cannot be guessed, or other directories. Default:
 * the same directory, and the name with a number or date.
 */
export function rotatedNames(globs: readonly string[] | undefined): RotatedNames {
  if (globs !== undefined) {
    return (path, of) => path !== of && compileGlobs(globs.map((glob) => pathIn(parentOf(of), glob)))(path);
  }
  const patterns = new Map<string, RegExp>();
  return (path, of) => {
    if (parentOf(path) !== parentOf(of)) return false;
    const name = of.slice(of.lastIndexOf('/') + 1);
    const pattern = patterns.get(name) ?? patternFor(name);
    if (patterns.size < 1_000) patterns.set(name, pattern);
    return pattern.test(path.slice(path.lastIndexOf('/') + 1));
  };
}

function patternFor(name: string): RegExp {
  const dot = name.lastIndexOf('.');
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  const behind = `${literal(name)}(?:${SUFFIX}|\\.old)`;
  const within = `${literal(stem)}${SUFFIX}${literal(extension)}`;
  return new RegExp(`^(?:${behind}|${within})(?:\\.gz)?$`);
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
