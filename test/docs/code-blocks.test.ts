import { describe, expect, test } from 'vitest';
import { compilePages } from './compile.js';
import { readPages } from './markdown.js';

test('every TypeScript block of the documentation compiles', { timeout: 120_000 }, () => {
  const pages = readPages();
  const { blocks, problems } = compilePages(pages);
  expect(problems).toEqual([]);
  if (pages.some((page) => page.path === 'README.md')) expect(blocks).toBeGreaterThan(0);
});

describe('the check itself', () => {
  const fence = '```';

  test('names page and line of a mistake', { timeout: 60_000 }, () => {
    const text = `# A page\n\n${fence}ts\nconst good = 1;\nconst bad: string = good;\n${fence}\n`;
    expect(compilePages([{ path: 'docs/a.md', text }]).problems).toEqual([
      `docs/a.md:5: Type 'number' is not assignable to type 'string'. (TS2322)`,
    ]);
  });

  test('knows the public names, top-level await, preludes and blocks of other files', { timeout: 60_000 }, () => {
    const text = [
      `${fence}ts\n// file: numbers.ts\nexport const numbers = [1];\n${fence}`,
      `<!-- prelude: declare const later: Promise<number[]>;\ndeclare const add: (more: number[]) => void; -->`,
      `${fence}typescript\nimport { EventSource } from 'headwater';\nimport { numbers } from './numbers.js';`,
      `add([...(await later), ...numbers, EventSource.length]);\n${fence}`,
    ];
    expect(compilePages([{ path: 'docs/a.md', text: text.join('\n') }])).toEqual({ blocks: 2, problems: [] });
  });

  test('refuses what the package does not export', { timeout: 60_000 }, () => {
    const text = `${fence}ts\nimport 'headwater/core/event.js';\n${fence}\n`;
    expect(compilePages([{ path: 'docs/a.md', text }]).problems).toHaveLength(1);
  });
});
