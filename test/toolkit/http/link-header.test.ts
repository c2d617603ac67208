import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linkTarget, parseLinkHeader } from '../../../src/toolkit/http/link-header.js';

describe('a Link header (RFC 8288)', () => {
  it.each([
    ['<https://a/?page=2>; rel="next"', 'https://a/?page=2'],
    ['<https://a/?page=2>; rel="next", <https://a/?page=9>; rel="last"', 'https://a/?page=2'],
    ['<https://a/1>; rel="prev", <https://a/3>; rel="next"', 'https://a/3'],
    ['<https://a/?ids=1,2;3>; rel="next"', 'https://a/?ids=1,2;3'],
    ['<https://a/2>;rel=next', 'https://a/2'],
    ['<https://a/2> ; REL = "NEXT"', 'https://a/2'],
    ['<https://a/2>; rel="last next"', 'https://a/2'],
    ['<https://a/2>; title="a, \\"b\\"; rel=prev <x>"; rel="next"', 'https://a/2'],
    ['<https://a/2>; rel="prev"; rel="next"', undefined],
    ['<https://a/2>; rel="nextish"', undefined],
    ['<https://a/2>; title="rel=next"', undefined],
    ['<https://a/2>; rel="next"; anchor="#other"', undefined],
    ['garbage, <https://a/2>; rel="next"', 'https://a/2'],
    ['<https://a/1>; rel="prev" garbage <https://a/2>; rel="next"', 'https://a/2'],
    ['<https://a/2; rel="next"', undefined],
    ['<>; rel="next"', ''],
    ['</items?page=2>; rel="next"', '/items?page=2'],
    ['<https://a/2>', undefined],
    ['', undefined],
    [undefined, undefined],
    [null, undefined],
  ])('GH4: the next page of %s is %s', (header, expected) => {
    expect(linkTarget(header, 'next')).toBe(expected);
  });

  it('property: what is written is read, in any order, with any quoting', () => {
    const target = fc.string({ unit: fc.constantFrom(...'ab/?=&,;:."\\ %é') });
    const text = fc.string({ unit: fc.constantFrom(...'ab ,;="\\<>') });
    const link = fc.record({ target, title: text, rel: fc.constantFrom('next', 'prev', 'last') });
    const quoted = (value: string): string => `"${value.replace(/["\\]/g, '\\$&')}"`;
    fc.assert(
      fc.property(fc.array(link), fc.boolean(), (links, isTitleFirst) => {
        const header = links
          .map(({ target, title, rel }) => {
            const parameters = [`title=${quoted(title)}`, `rel=${quoted(rel)}`];
            return `<${target}>; ${(isTitleFirst ? parameters : parameters.reverse()).join('; ')}`;
          })
          .join(', ');
        expect(parseLinkHeader(header)).toEqual(links.map(({ target, rel }) => ({ target, rel: [rel] })));
      }),
    );
  });

  it('property: nothing makes it throw or take long', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'<>;,="\\ arelnxt'), maxLength: 2_000 }), (header) => {
        parseLinkHeader(header);
      }),
    );
    for (const part of ['<', '<a>;', '<a>; b="', ',', ' ', '"', '\\', '<a>; rel=next,'])
      parseLinkHeader(part.repeat(100_000));
  });
});
