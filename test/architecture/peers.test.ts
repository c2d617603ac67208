import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { repositoryRoot } from '../../scripts/entries.js';
import { type Files, readFiles, readImports } from './source-files.js';

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { optional?: boolean }>>;
}

/** Dependencies that no file imports yet, with the reason. */
const NOT_YET_IMPORTED = new Map<string, string>();

test('package.json declares exactly what the library imports', () => {
  const manifest = JSON.parse(readFileSync(`${repositoryRoot}/package.json`, 'utf8')) as Manifest;
  expect(peerProblems(readFiles('src'), manifest, NOT_YET_IMPORTED)).toEqual([]);
});

const files: Files = new Map([['src/sources/github/client.ts', `import type { Octokit } from '@octokit/rest';`]]);
const peer = { '@octokit/rest': '^22.0.1' };
const optional = { '@octokit/rest': { optional: true } };

test('an optional peer that is imported is accepted', () => {
  expect(peerProblems(files, { peerDependencies: peer, peerDependenciesMeta: optional })).toEqual([]);
});

test.each([
  ['an import is not declared', files, {}],
  ['a peer is not optional', files, { peerDependencies: peer }],
  [
    'a package is both dependency and peer',
    files,
    { dependencies: peer, peerDependencies: peer, peerDependenciesMeta: optional },
  ],
  ['a peer is not imported', new Map(), { peerDependencies: peer, peerDependenciesMeta: optional }],
  ['a dependency is not imported', new Map(), { dependencies: peer }],
  ['a dependency has a range of several majors', files, { dependencies: { '@octokit/rest': '^22 || ^23' } }],
  ['a Node module is imported without its prefix', new Map([['src/core/a.ts', `import { join } from 'path';`]]), {}],
])('finds it when %s', (_, someFiles: Files, manifest: Manifest) => {
  expect(peerProblems(someFiles, manifest)).not.toEqual([]);
});

test('finds an exception that is no longer one', () => {
  expect(peerProblems(files, { dependencies: peer }, new Map([['@octokit/rest', 'not yet']]))).not.toEqual([]);
});

function peerProblems(sources: Files, manifest: Manifest, notYet: ReadonlyMap<string, string> = new Map()): string[] {
  const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest;
  const problems: string[] = [];
  const imported = new Set<string>();
  for (const [path, code] of sources)
    for (const { packageName } of readImports(path, code)) {
      if (packageName === undefined) continue;
      imported.add(packageName);
      if (!(packageName in dependencies) && !(packageName in peerDependencies))
        problems.push(`${path} imports ${packageName}, which is neither a dependency nor a peer`);
    }
  for (const name of [...Object.keys(dependencies), ...Object.keys(peerDependencies)])
    if (!imported.has(name) && !notYet.has(name)) problems.push(`no file imports ${name}`);
  for (const name of notYet.keys())
    if (imported.has(name)) problems.push(`${name} is imported now: drop its exception`);
  for (const name of Object.keys(peerDependencies)) {
    if (peerDependenciesMeta[name]?.optional !== true) problems.push(`the peer ${name} must be optional`);
    if (name in dependencies) problems.push(`${name} is both a dependency and a peer`);
  }
  // Some package managers take the highest major of such a range, whatever Node it needs.
  for (const [name, range] of Object.entries(dependencies))
    if (range.includes('||')) problems.push(`the dependency ${name} must stay within one major`);
  return problems;
}
