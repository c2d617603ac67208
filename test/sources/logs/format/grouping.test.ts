import { describe, expect, test } from 'vitest';
import { type MultilineConfig, multilineConfig } from '../../../../src/sources/logs/format/config.js';
import { createGrouping } from '../../../../src/sources/logs/format/grouping.js';

async function groups(config: unknown, lines: readonly string[]): Promise<string[][]> {
  const grouping = await createGrouping(multilineConfig.parse(config) as MultilineConfig);
  const all: string[][] = [];
  let previous: string | undefined;
  for (const line of lines) {
    if (grouping.begins(line, previous)) all.push([]);
    all.at(-1)?.push(line);
    previous = line;
  }
  return all;
}

const JAVA = ['2024 ERROR Boom', 'java.lang.Boom: x', '\tat a.B.c(B.java:1)', '', 'Caused by: y', '2024 INFO on'];

describe('LG9: which lines are one event', () => {
  test.each([
    ['text', '^\\d{4} '],
    ['a RegExp', /^\d{4} /g],
  ])('a group goes from one start to the next, %s', async (_, start) => {
    expect(await groups({ start }, JAVA)).toEqual([JAVA.slice(0, 5), JAVA.slice(5)]);
  });

  test('a continuation goes on with the line before', async () => {
    const lines = ['SELECT 1', '... FROM t', '... WHERE x', 'SELECT 2'];
    expect(await groups({ continuation: '^\\.\\.\\. ' }, lines)).toEqual([lines.slice(0, 3), lines.slice(3)]);
  });

  test('indented and blank lines go on with the line before', async () => {
    const lines = ['Error: x', '    at a', '\tat b', '', '\r', 'next', '  more'];
    expect(await groups({ indented: true }, lines)).toEqual([lines.slice(0, 5), lines.slice(5)]);
  });

  test.each([{ start: '^never' }, { continuation: '.' }, { indented: true }])(
    'the first line begins a group: %j',
    async (config) => {
      expect(await groups(config, [' x', ' y'])).toEqual([[' x', ' y']]);
    },
  );

  test('a group has limits unless others are given', () => {
    const limits = { maxLines: 500, maxBytes: 1_048_576, timeoutMs: 1_000 };
    expect(multilineConfig.parse({ indented: true })).toEqual({ indented: true, ...limits });
    expect(multilineConfig.parse({ start: '^x', maxLines: 3 })).toEqual({ start: '^x', ...limits, maxLines: 3 });
  });

  test('a pattern that is none is refused', async () => {
    await expect(groups({ start: '(' }, [])).rejects.toMatchObject({ code: 'INVALID_PATTERN' });
    await expect(groups({ continuation: '(?=x)' }, [])).rejects.toMatchObject({ code: 'INVALID_PATTERN' });
    expect(multilineConfig.safeParse({ start: '^x', continuation: '^y' }).success).toBe(false);
  });
});
