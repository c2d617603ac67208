import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One thing a host may import. */
export interface Entry {
  /** As the host writes it: 'headwater', 'headwater/sources/git'. */
  readonly specifier: string;
  /** As package.json's `exports` knows it: '.', './sources/git'. */
  readonly subpath: string;
  /** 'src/sources/git/index.ts' */
  readonly input: string;
  /** Below dist, without extension: 'sources/git/index'. */
  readonly output: string;
}

export const repositoryRoot = resolve(fileURLToPath(new URL('..', import.meta.url)));

/**
 * Every public entry, read from the folders. Build, package checks and tests share this list.
 * A folder below `src/sources` that has no `index.ts` of its own is a family: its children are the sources.
 */
export function listEntries(root: string = repositoryRoot): Entry[] {
  const folders = ['', 'sources', ...listSourceFolders(root), 'manager', 'cache', 'toolkit', 'testing'];
  for (const parent of ['cursors', 'sinks'])
    for (const name of childFolders(root, parent)) folders.push(`${parent}/${name}`);
  return folders.filter((folder) => hasDoor(root, folder)).map(toEntry);
}

/** Folders of sources below `src`: 'sources/git', 'sources/logs/syslog'. */
export function listSourceFolders(root: string = repositoryRoot): string[] {
  return childFolders(root, 'sources').flatMap((name) => {
    const folder = `sources/${name}`;
    if (hasDoor(root, folder)) return [folder];
    return childFolders(root, folder)
      .map((child) => `${folder}/${child}`)
      .filter((child) => hasDoor(root, child));
  });
}

function childFolders(root: string, folder: string): string[] {
  const path = `${root}/src/${folder}`;
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((item) => item.isDirectory())
    .map((item) => item.name)
    .sort();
}

function hasDoor(root: string, folder: string): boolean {
  return existsSync(`${root}/src/${folder}/index.ts`);
}

function toEntry(folder: string): Entry {
  const output = folder === '' ? 'index' : `${folder}/index`;
  return {
    specifier: folder === '' ? 'headwater' : `headwater/${folder}`,
    subpath: folder === '' ? '.' : `./${folder}`,
    input: `src/${output}.ts`,
    output,
  };
}
