import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repositoryRoot } from '../../scripts/entries.js';
import { type Page, readCodeBlocks, readPages, readRunInstructions } from './markdown.js';

const TEN_MINUTE_PATH = 'docs/guide/custom-source.md';

/** A page with `<!-- run: main.ts expect: "text" -->` is run as its reader would: its files written out, and started. */
describe('pages that can be run', () => {
  const pages = readPages();

  for (const page of pages)
    for (const { file, expected, line } of readRunInstructions(page))
      test(`${page.path}:${line} runs ${file}`, { timeout: 60_000 }, () => {
        expect(runPage(page, file)).toContain(expected);
      });

  test('the ten-minute path is one of them', () => {
    const runnable = pages.filter((page) => readRunInstructions(page).length > 0).map((page) => page.path);
    // Without a README there is no documentation to hold to it yet.
    if (pages.some((page) => page.path === 'README.md')) expect(runnable).toContain(TEN_MINUTE_PATH);
  });
});

test('a page is run with its files and the library', { timeout: 60_000 }, () => {
  const fence = '```';
  const text = [
    `${fence}ts\n// file: numbers.ts\nexport const numbers: number[] = [1, 2];\n${fence}`,
    `${fence}ts\n// file: main.ts\nimport { EventSource } from 'headwater';\nimport { numbers } from './numbers.js';`,
    `console.log(typeof EventSource, numbers.length);\n${fence}`,
    '<!-- run: main.ts expect: "function 2" -->',
  ];
  expect(runPage({ path: 'a.md', text: text.join('\n') }, 'main.ts')).toBe('function 2\nexit status 0');
});

/** What the program printed, and how it ended. */
function runPage(page: Page, file: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-page-'));
  try {
    for (const block of readCodeBlocks(page)) {
      if (block.file === undefined) continue;
      mkdirSync(dirname(join(folder, block.file)), { recursive: true });
      writeFileSync(join(folder, block.file), block.code);
    }
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { paths: sourcePaths() } }));
    symlinkSync(join(repositoryRoot, 'node_modules'), join(folder, 'node_modules'));
    const tsx = join(repositoryRoot, 'node_modules/tsx/dist/cli.mjs');
    const { stdout, stderr, status } = spawnSync(process.execPath, [tsx, file], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 50_000,
    });
    return `${stdout}${stderr}exit status ${status}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The library's own files stand for the installed package, so that no build is needed. */
function sourcePaths(): Record<string, string[]> {
  return {
    headwater: [join(repositoryRoot, 'src/index.ts')],
    'headwater/*': [join(repositoryRoot, 'src/*/index.ts')],
  };
}
