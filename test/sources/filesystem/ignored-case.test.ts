import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { TestTree } from './tree.js';

/** A file system that keeps the case of names and ignores it where it is asked for one, as those of macOS and Windows. */
vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const ignoringCase =
    <Arguments extends [string, ...unknown[]], Result>(call: (...args: Arguments) => Result) =>
    (...[path, ...rest]: Arguments): Result =>
      call(...([found(path), ...rest] as Arguments));
  return {
    ...real,
    statSync: ignoringCase(real.statSync as (path: string, ...rest: unknown[]) => unknown),
    readdirSync: ignoringCase(real.readdirSync as (path: string, ...rest: unknown[]) => unknown),
  };
});

/** The path by the names that are really there. */
function found(path: string): string {
  const parent = dirname(path);
  if (parent === path) return path;
  const real = found(parent);
  if (!existsSync(real)) return path;
  if (existsSync(join(real, basename(path)))) return join(real, basename(path));
  const wanted = basename(path).normalize('NFC').toLowerCase();
  const names = readdirSync(real).filter((name) => name.normalize('NFC').toLowerCase() === wanted);
  return join(real, names[0] ?? basename(path));
}

describe('where the file system ignores case', () => {
  it('FS8: another case of a name is one rename, of a directory too, and nothing later', async () => {
    const tree = new TestTree();
    tree.write('A.txt', 'one');
    tree.write('Dir/B.txt', 'two');
    await tree.run();
    expect(existsSync(tree.path('a.txt'))).toBe(false);
    tree.rename('A.txt', 'a.txt');
    tree.rename('Dir', 'dir');
    expect((await tree.brief()).sort()).toEqual(['renamed A.txt a.txt', 'renamed Dir/B.txt dir/B.txt']);
    expect(await tree.brief()).toEqual([]);
  });

  it('FS8: a name that is composed in another way is one rename; both are kept as they are', async () => {
    const tree = new TestTree();
    const [composed, decomposed] = ['caf\u00e9.txt', 'cafe\u0301.txt'];
    tree.write(decomposed, 'one');
    await tree.run();
    tree.rename(decomposed, composed);
    expect(await tree.brief()).toEqual([`renamed ${decomposed} ${composed}`]);
  });
});
