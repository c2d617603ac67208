import { describe, expect, it } from 'vitest';
import { compileGlobs, isGlob } from '../../src/toolkit/glob.js';

describe('compileGlobs', () => {
  it('matches any of the patterns; * and ? stop at /, ** does not', () => {
    const matches = compileGlobs(['docs/**', '*.md', 'src/?.{ts,js}', 'log[0-9]']);
    for (const path of ['docs/a', 'docs/a/b', 'a.md', 'src/a.ts', 'src/b.js', 'log7', '.md', 'docs/.hidden/x']) {
      expect([path, matches(path)]).toEqual([path, true]);
    }
    for (const path of ['doc', 'a/b.md', 'src/ab.ts', 'src/a/b.ts', 'logx', '']) {
      expect([path, matches(path)]).toEqual([path, false]);
    }
  });

  it('takes !, ( and + as they are, and no patterns for nothing', () => {
    expect(compileGlobs(['!a'])('b')).toBe(false);
    expect(compileGlobs(['!a'])('!a')).toBe(true);
    expect(compileGlobs(['a+b*'])('a+bc')).toBe(true);
    expect(compileGlobs([])('a')).toBe(false);
  });

  it('knows a glob from a name', () => {
    expect(['a*', 'a?', 'a[b]', 'a{b,c}'].every(isGlob)).toBe(true);
    expect(['a', 'a/b', 'a+b', 'a(b)', 'a.b'].some(isGlob)).toBe(false);
  });
});
