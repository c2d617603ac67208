import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { listSourceFolders, repositoryRoot } from '../../scripts/entries.js';

/** Everything that has to name each source. */
interface Catalogue {
  /** 'sources/git', 'sources/logs/syslog' */
  readonly folders: readonly string[];
  /** Of src/sources/index.ts. */
  readonly list: string;
  /** Of the README of the repository. */
  readonly readme: string;
  hasPage(folder: string): boolean;
}

test('every source has its folder, its line in the list, its page and its row in the README', () => {
  const catalogue: Catalogue = {
    folders: listSourceFolders(),
    list: readFileSync(`${repositoryRoot}/src/sources/index.ts`, 'utf8'),
    readme: readFileSync(`${repositoryRoot}/README.md`, 'utf8'),
    hasPage: (folder) => existsSync(`${repositoryRoot}/src/${folder}/README.md`),
  };
  expect(catalogue.folders).toContain('sources/git');
  expect(catalogueProblems(catalogue)).toEqual([]);
});

const complete: Catalogue = {
  folders: ['sources/git'],
  list: `git: async () => (await import('./git/index.js')).GitSource,`,
  readme: '| [`git`](src/sources/git/README.md) | `headwater/sources/git` |',
  hasPage: () => true,
};

test('a complete catalogue is accepted', () => {
  expect(catalogueProblems(complete)).toEqual([]);
});

test.each([
  ['a line of the list', { list: '' }],
  ['a row of the README', { readme: '' }],
  ['a page', { hasPage: () => false }],
  ['a folder', { folders: [] }],
  ['the type name of its folder', { list: complete.list.replace('git:', 'got:') }],
])('finds that a source lacks %s', (_, change) => {
  expect(catalogueProblems({ ...complete, ...change })).not.toEqual([]);
});

function catalogueProblems({ folders, list, readme, hasPage }: Catalogue): string[] {
  const problems: string[] = [];
  const lines = [...list.matchAll(/^\s*'?([\w-]+)'?: .*=>[^,]*\bimport\('\.\/(.+?)\/index\.js'\)/gm)];
  const listed = new Map(lines.map(([, type, folder]) => [`sources/${folder}`, type]));
  for (const folder of folders) {
    const type = folder.split('/').at(-1);
    if (listed.get(folder) !== type) problems.push(`src/sources/index.ts has no line '${type}' for src/${folder}`);
    if (!hasPage(folder)) problems.push(`src/${folder}/README.md is missing`);
    if (!tableRows(readme).some((row) => row.includes(`\`headwater/${folder}\``)))
      problems.push(`README.md has no table row with \`headwater/${folder}\``);
  }
  for (const folder of listed.keys())
    if (!folders.includes(folder)) problems.push(`src/sources/index.ts names src/${folder}, which has no index.ts`);
  return problems;
}

function tableRows(markdown: string): string[] {
  return markdown.split('\n').filter((line) => line.trimStart().startsWith('|'));
}
