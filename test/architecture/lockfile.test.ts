import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { repositoryRoot } from '../../scripts/entries.js';

interface LockedPackage {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const text = readFileSync(`${repositoryRoot}/package-lock.json`, 'utf8');
const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, LockedPackage>> };

test('package-lock.json names no registry, so that it works with any', () => {
  expect(Object.keys(packages).length).toBeGreaterThan(10);
  expect(Object.keys(packages).filter((path) => packages[path]?.resolved !== undefined)).toEqual([]);
});

/**
 * npm leaves out what a registry did not have when the file was written (the binary of another platform, say), and
 * `npm ci` then refuses the file. The cure is a version of the parent of which the registry has every part.
 */
test('package-lock.json is complete, so that npm ci takes it', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !isLocked(path, name))
      .map((name) => `${path} lacks ${name}`),
  );
  expect(missing).toEqual([]);
});

/** Looks where Node would: in the package's own node_modules, and in those above it. */
function isLocked(path: string, name: string): boolean {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    if (`${folder === '' ? '' : `${folder}/`}node_modules/${name}` in packages) return true;
    if (folder === '') return false;
  }
}
