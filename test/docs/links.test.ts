import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryRoot } from '../../scripts/entries.js';
import { type Page, readPages } from './markdown.js';

test('every relative link of the documentation leads somewhere', () => {
  expect(linkProblems(readPages(), (path) => existsSync(`${repositoryRoot}/${path}`))).toEqual([]);
});

const target: Page = { path: 'docs/b.md', text: '# One\n## Two words, `code`\n```\n# no heading\n```\n' };

test.each([
  ['a page that is not there', 'see [it](missing.md)'],
  ['a heading that is not there', 'see [it](b.md#three)'],
  ['a heading of its own that is not there', 'see [it](#three)'],
  ['a comment within code, which is no heading', 'see [it](b.md#no-heading)'],
  ['a definition', '[it]: missing.md'],
])('finds a link to %s', (_, text) => {
  expect(linkProblems([{ path: 'docs/a.md', text }, target], () => false)).toHaveLength(1);
});

test('accepts links that lead somewhere, and leaves the web alone', () => {
  const text = '# Here\n[1](b.md) [2](./b.md#two-words-code) [3](#here) [4](https://example.com/x) `[5](code.md)`';
  expect(linkProblems([{ path: 'docs/a.md', text }, target], (path) => path === 'docs/b.md')).toEqual([]);
});

function linkProblems(pages: readonly Page[], exists: (path: string) => boolean): string[] {
  const anchors = new Map(pages.map((page) => [page.path, anchorsOf(page)]));
  return pages.flatMap((page) =>
    linksOf(page).flatMap(({ link, line }) => {
      if (/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(link)) return [];
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? page.path : posix.join(posix.dirname(page.path), decodeURI(path));
      if (path !== '' && !exists(file) && !anchors.has(file))
        return [`${page.path}:${line}: ${link}: there is no ${file}`];
      if (anchor && anchors.has(file) && !anchors.get(file)?.has(anchor))
        return [`${page.path}:${line}: ${link}: ${file} has no such heading`];
      return [];
    }),
  );
}

function linksOf(page: Page): { link: string; line: number }[] {
  return proseLines(page).flatMap(({ text, line }) => {
    const links = [...text.matchAll(/\]\(<?([^)\s>]+)[^)]*\)/g), ...text.matchAll(/^\s*\[[^\]]+\]:\s+(\S+)/g)];
    return links.map((match) => ({ link: match[1] ?? '', line }));
  });
}

/** As GitHub makes them from headings. */
function anchorsOf(page: Page): Set<string> {
  const headings = proseLines(page, { keepCode: true }).flatMap(({ text }) => /^#{1,6}\s+(.*)$/.exec(text)?.[1] ?? []);
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}

function proseLines({ text }: Page, { keepCode = false } = {}): { text: string; line: number }[] {
  const lines: { text: string; line: number }[] = [];
  let fence: string | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const marks = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      if (line.trim() === fence) fence = undefined;
    } else if (marks !== undefined) fence = marks;
    else lines.push({ text: keepCode ? line : line.replace(/`[^`]*`/g, ''), line: index + 1 });
  }
  return lines;
}
