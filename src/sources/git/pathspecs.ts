import type { GitConfig } from './config.js';

/** Globs from the top of the repository; `*` stops at `/`. https://git-scm.com/docs/gitglossary#def_pathspec */
export function pathspecs({ paths }: GitConfig): string[] {
  return (paths ?? []).map((path) => `:(top,glob)${path}`);
}
