import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDuration, type Unit } from '../../../../src/sources/logs/api-log/duration.js';
import { compileEndpointGlobs } from '../../../../src/sources/logs/api-log/endpoint-glob.js';
import { compileFilter } from '../../../../src/sources/logs/api-log/filter.js';
import { isSampled } from '../../../../src/sources/logs/api-log/sample.js';
import { setTarget } from '../../../../src/sources/logs/api-log/target.js';

describe('a filter', () => {
  test.each([
    [404, [404], [403, 405, undefined]],
    ['5xx', [500, 599], [499, 600]],
    ['40x', [400, 409], [399, 410]],
    ['400-499', [400, 499], [399, 500]],
    [
      [200, '3xx', '500-502'],
      [200, 301, 502],
      [201, 400, 503],
    ],
  ])('by status %j', (status, kept, dropped) => {
    const passes = compileFilter({ status });
    expect(kept.map((each) => passes({ status: each }))).not.toContain(false);
    expect(dropped.map((each) => passes(each === undefined ? {} : { status: each }))).not.toContain(true);
  });

  test('by method, whatever its case', () => {
    const passes = compileFilter({ method: ['get', 'POST'] });
    expect([{ method: 'GET' }, { method: 'post' }, { method: 'PUT' }, {}].map(passes)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test('by least duration', () => {
    const passes = compileFilter({ minDurationMs: 100 });
    expect([{ durationMs: 100 }, { durationMs: 99.999 }, {}].map(passes)).toEqual([true, false, false]);
  });

  test('by all that is given', () => {
    const passes = compileFilter({ status: '5xx', endpoint: '/api/**', method: 'GET' });
    expect(passes({ status: 500, path: '/api/a', method: 'GET' })).toBe(true);
    expect(passes({ status: 500, path: '/b', method: 'GET' })).toBe(false);
    expect(compileFilter({})({})).toBe(true);
  });
});

describe('an endpoint glob', () => {
  test.each([
    ['/api/users', ['/api/users'], ['/api/users/', '/api/users/1', '/api']],
    ['/api/*', ['/api/users', '/api/'], ['/api/users/1', '/api']],
    ['/api/**', ['/api', '/api/', '/api/users/1/x'], ['/apix', '/']],
    ['/api/*/posts/*', ['/api/7/posts/8'], ['/api/7/8/posts/9']],
    ['/**/health', ['/health', '/a/b/health'], ['/healthz', '/health/a']],
    ['**', ['/', '/a/b', '', '*'], []],
    ['/v?/a*z', ['/v1/az', '/v2/abcz'], ['/v10/az', '/v1/a/z']],
    ['/a.b(c)[d]{e}$', ['/a.b(c)[d]{e}$'], ['/aXb(c)[d]{e}$']],
  ])('%s', (glob, matching, others) => {
    const matches = compileEndpointGlobs([glob]);
    expect(matching.filter((path) => !matches(path))).toEqual([]);
    expect(others.filter((path) => matches(path))).toEqual([]);
  });

  test('matches what a regular expression of the same meaning does', () => {
    const piece = fc.constantFrom('/', 'a', 'b', '*', '**', '?', '/**/', '/*');
    const glob = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    const path = fc.string({ unit: fc.constantFrom('/', 'a', 'b'), maxLength: 10 });
    fc.assert(
      fc.property(glob, path, (pattern, text) => {
        expect(compileEndpointGlobs([pattern])(text)).toBe(asExpression(pattern).test(`${text}/`));
      }),
      { numRuns: 2_000 },
    );
  });

  test('takes time in proportion to the path, however many stars there are', () => {
    const matches = compileEndpointGlobs(['/**/a/**/b/**/c/**/d', '/*a*b*c*d*e*f']);
    for (const unit of ['/a/b/c', 'a', '/', 'abcde']) expect(matches(`/${unit.repeat(100_000)}`)).toBe(false);
  });
});

/** Parts one after another, each with its slash. */
function asExpression(glob: string): RegExp {
  const parts = glob.split('/').map((part) => {
    if (part === '**') return '(?:[^/]*/)*';
    return `${part.replaceAll('?', '[^/]').replace(/\*+/g, '[^/]*')}/`;
  });
  return new RegExp(`^${parts.join('')}$`);
}

describe('a sample', () => {
  const ids = Array.from({ length: 20_000 }, (_, index) => `2049-1a2b3c@${index * 97}`);

  test('keeps about the share that was asked for', () => {
    for (const share of [0.01, 0.1, 0.5]) {
      const kept = ids.filter((id) => isSampled(id, share)).length / ids.length;
      expect(kept).toBeGreaterThan(share * 0.85);
      expect(kept).toBeLessThan(share * 1.15);
    }
    expect(ids.every((id) => isSampled(id, 1))).toBe(true);
  });

  test('keeps of a smaller share only what it keeps of a larger one', () => {
    expect(ids.filter((id) => isSampled(id, 0.1) && !isSampled(id, 0.2))).toEqual([]);
  });

  test('keeps the same in every release', () => {
    expect(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].filter((id) => isSampled(id, 0.5))).toMatchInlineSnapshot(`
      [
        "a",
        "c",
        "e",
        "g",
        "h",
      ]
    `);
  });
});

describe('a duration', () => {
  test.each<[unknown, Unit, number | undefined]>([
    [12, 'ms', 12],
    [0.000929675, 's', 0.929675],
    ['1.204', 's', 1_204],
    [1_500, 'us', 1.5],
    [1, 'ns', 0.000001],
    ['7.75ms', 's', 7.75],
    ['12µs', 's', 0.012],
    ['1.5 s', 'ms', 1_500],
    ['-', 's', undefined],
    ['', 's', undefined],
    [-1, 's', undefined],
    [Number.NaN, 's', undefined],
    [null, 'ms', undefined],
  ])('%j in %s is %j ms', (value, unit, milliseconds) => {
    expect(readDuration(value, unit)).toBe(milliseconds);
  });
});

describe('what follows the method', () => {
  test.each([
    ['GET', '/a/b?c=d?e', { path: '/a/b', query: 'c=d?e' }],
    ['GET', '/a?', { path: '/a', query: '' }],
    ['GET', 'http://user:hush@a.test:80/b?c', { host: 'a.test:80', path: '/b', query: 'c' }],
    ['GET', 'http://a.test', { host: 'a.test', path: '/' }],
    ['CONNECT', 'a.test:443', { host: 'a.test:443' }],
    ['OPTIONS', '*', { path: '*' }],
  ])('%s %s', (method, target, told) => {
    const request = { method };
    setTarget(request, target);
    expect(request).toEqual({ method, ...told });
  });
});
