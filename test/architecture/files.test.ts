import { expect, test } from 'vitest';
import { type Files, readFiles } from './source-files.js';

const MOST_LINES = 400;
const VAGUE_NAME = /(^|\/)(utils?|helpers?|common|misc)(\.ts$|\/)/;
const LEFTOVER = /\b(TODO|FIXME|XXX)\b|@ts-(ignore|nocheck|expect-error)|biome-ignore/;

test('every source file is short, well named and finished', () => {
  expect(fileProblems(readFiles('src'))).toEqual([]);
});

test.each([
  ['a file is too long', 'src/core/a.ts', '\n'.repeat(MOST_LINES + 1)],
  ['a file has a vague name', 'src/core/utils.ts', ''],
  ['a folder has a vague name', 'src/helpers/a.ts', ''],
  ['something is left to do', 'src/core/a.ts', '// TODO: later'],
  ['the compiler is silenced', 'src/core/a.ts', '// @ts-ignore'],
  ['the linter is silenced', 'src/core/a.ts', '// biome-ignore lint: because'],
])('finds it when %s', (_, path, code) => {
  expect(fileProblems(new Map([[path, code]]))).toHaveLength(1);
});

function fileProblems(files: Files): string[] {
  const problems: string[] = [];
  for (const [path, code] of files) {
    const lines = code.replace(/\n$/, '').split('\n');
    if (lines.length > MOST_LINES) problems.push(`${path} has ${lines.length} lines; the most is ${MOST_LINES}`);
    if (VAGUE_NAME.test(path)) problems.push(`${path} should say what it is`);
    for (const [index, line] of lines.entries()) {
      const leftover = LEFTOVER.exec(line)?.[0];
      if (leftover !== undefined) problems.push(`${path}:${index + 1} has ${leftover}`);
    }
  }
  return problems;
}
