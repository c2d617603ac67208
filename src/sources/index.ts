/**
 * The sources that come with the package: a lazy line each, so that only what is used is loaded.
 *
 * ```ts
 * const factory = new EventSourceFactory({ sources: { ...builtinSources, 'hacker-news': HackerNews } });
 * ```
 */
export const builtinSources = {
  filesystem: async () => (await import('./filesystem/index.js')).FilesystemSource,
  git: async () => (await import('./git/index.js')).GitSource,
} as const;
