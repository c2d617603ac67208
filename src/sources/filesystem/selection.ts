import { compileGlobs } from '../../toolkit/glob.js';
import type { Selection } from '../../toolkit/walker.js';
import type { FilesystemConfig } from './config.js';

export function select(config: Pick<FilesystemConfig, 'include' | 'exclude' | 'temporary'>): Selection {
  const takesAll = config.include.includes('**');
  const isIncluded = compileGlobs(config.include);
  const isExcluded = compileGlobs(config.exclude);
  const excludesNone = config.exclude.length === 0;
  const isTemporary = compileGlobs(config.temporary);
  return {
    takesFile: (path, name) =>
      (takesAll || isIncluded(path)) && (excludesNone || !isExcluded(path)) && !isTemporary(name),
    entersDirectory: (path) => excludesNone || !isExcluded(path),
  };
}
