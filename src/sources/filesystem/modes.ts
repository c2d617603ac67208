import type { Format } from '../../toolkit/decode/decoder.js';
import { type FormatOptions, formatOfFile, toFormat } from '../../toolkit/decode/formats.js';
import { compileGlobs } from '../../toolkit/glob.js';
import type { FilesystemConfig } from './config.js';

/** What becomes of the content of a file. */
export type Mode = 'none' | 'text' | 'bytes' | Format;

/** Finds the mode of a path. */
export function modes(parse: FilesystemConfig['parse']): (path: string) => Mode {
  if (parse === 'auto') return byExtension();
  if (typeof parse === 'string') return (path) => modeOf(parse, path);
  const rules = Object.entries(parse).map(([glob, mode]) => ({ matches: compileGlobs([glob]), mode }));
  return (path) => {
    const rule = rules.find(({ matches }) => matches(path));
    return rule === undefined ? 'none' : modeOf(rule.mode, path);
  };
}

/** What the extension says. Files that follow one another mostly have the same, so the last answer is tried first. */
function byExtension(): (path: string) => Mode {
  let lastExtension: string | undefined;
  let lastMode: Mode = 'none';
  return (path) => {
    if (lastExtension !== undefined && path.endsWith(lastExtension)) return lastMode;
    const at = path.lastIndexOf('.');
    lastExtension = at > path.lastIndexOf('/') ? path.slice(at) : undefined;
    lastMode = modeOf('auto', path);
    return lastMode;
  };
}

function modeOf(mode: 'auto' | 'none' | 'text' | 'bytes' | object, path: string): Mode {
  if (mode === 'none' || mode === 'text' || mode === 'bytes') return mode;
  const options = mode === 'auto' ? formatOfFile(path) : (mode as FormatOptions);
  return options === undefined ? 'none' : toFormat(options);
}
